internal import Learning

/// A face that is nobody's, for the place of a photograph.
struct Portrait {
    /// Draws it into a rectangle of a card.
    static func draw(
        on canvas: inout Canvas,
        _ columns: Range<Int>,
        _ rows: Range<Int>,
        _ random: inout KeyedRandom
    ) {
        let width = Float(columns.count)
        let height = Float(rows.count)
        var picture = Canvas(
            width: max(1, columns.count),
            height: max(1, rows.count),
            brightness: random.uniform(Float(165)...225)
        )
        picture.light(right: random.uniform(-0.1...0.1), down: random.uniform(-0.12...0.05))
        let middle = width * random.uniform(Float(0.46)...0.54)
        let skin = random.uniform(Float(80)...200)
        let hair = random.uniform(Float(15)...130)
        let cloth = random.uniform(Float(20)...200)
        let faceWidth = width * random.uniform(Float(0.21)...0.26)
        let faceHeight = height * random.uniform(Float(0.22)...0.26)
        let faceY = height * 0.45
        func ellipse(_ x: Float, _ y: Float, _ rx: Float, _ ry: Float, _ gray: Float) {
            fill(&picture, x, y, rx, ry, gray)
        }
        // From back to front: long hair, shoulders, neck, head, hair, features.
        if random.chance(0.5) {
            ellipse(middle, faceY + faceHeight * 0.4, faceWidth * 1.35, faceHeight * 1.5, hair)
        }
        ellipse(middle, height * 1.08, width * 0.46, height * 0.3, cloth)
        ellipse(middle, faceY + faceHeight * 1.1, faceWidth * 0.5, faceHeight * 0.6, skin * 0.82)
        ellipse(middle, faceY - faceHeight * 0.18, faceWidth * 1.12, faceHeight * 1.06, hair)
        ellipse(middle, faceY + faceHeight * 0.06, faceWidth, faceHeight, skin)
        ellipse(middle + faceWidth * 0.3, faceY, faceWidth * 0.6, faceHeight * 0.8, skin * 1.06)
        ellipse(middle, faceY - faceHeight * 0.85, faceWidth * 0.95, faceHeight * 0.36, hair)
        for side in [Float(-1), 1] {
            let eye = middle + side * faceWidth * 0.42
            ellipse(eye, faceY - faceHeight * 0.25, faceWidth * 0.22, faceHeight * 0.045, hair)
            ellipse(
                eye,
                faceY - faceHeight * 0.08,
                faceWidth * 0.16,
                faceHeight * 0.06,
                skin * 1.15
            )
            ellipse(eye, faceY - faceHeight * 0.08, faceWidth * 0.075, faceHeight * 0.06, 25)
        }
        ellipse(middle, faceY + faceHeight * 0.24, faceWidth * 0.12, faceHeight * 0.07, skin * 0.78)
        ellipse(middle, faceY + faceHeight * 0.52, faceWidth * 0.32, faceHeight * 0.05, skin * 0.6)
        picture.blur(Double(width) / 90)
        picture.addNoise(3, &random)
        let share = random.uniform(Float(0.82)...1)
        let (left, top) = (columns.lowerBound, rows.lowerBound)
        canvas.change(columns, rows) { x, y, value in
            let pixel = picture.values[(y - top) * picture.width + x - left]
            value += (pixel - value) * share
        }
    }

    private static func fill(
        _ canvas: inout Canvas,
        _ x0: Float,
        _ y0: Float,
        _ radiusX: Float,
        _ radiusY: Float,
        _ gray: Float
    ) {
        let columns = Int(x0 - radiusX)..<Int(x0 + radiusX) + 1
        let rows = Int(y0 - radiusY)..<Int(y0 + radiusY) + 1
        canvas.change(columns, rows) { x, y, value in
            let dx = (Float(x) - x0) / radiusX
            let dy = (Float(y) - y0) / radiusY
            if dx * dx + dy * dy < 1 { value = gray }
        }
    }
}
