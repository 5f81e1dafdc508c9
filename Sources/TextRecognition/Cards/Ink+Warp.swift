import Foundation

extension Ink {
    /// The ink as it is seen through a warp: shares from 0 to 1, for `width` × `height` pixels.
    func warped(_ warp: LineWarp, width newWidth: Int, height newHeight: Int) -> [Float] {
        let (cosine, sine) = (cos(warp.turn), sin(warp.turn))
        let half = max(1, textWidth * warp.stretch / 2)
        // What depends on the column alone: how far it is shifted, and how much it is taller.
        var shift = [Float](repeating: 0, count: newWidth)
        var shrink = [Float](repeating: 0, count: newWidth)
        for x in 0..<newWidth {
            let along = Double(x) + 0.5 - warp.middle.x
            let turns = warp.waveFrequency * along + warp.wavePhase
            let part = along / half
            shift[x] = Float(warp.bend * part * part + warp.wave * sin(2 * .pi * turns))
            shrink[x] = Float(1 / max(0.5, 1 + warp.taper * part))
        }
        // Without taper and shift the mapping is affine.
        let (uX, uY) = (
            Float(cosine / warp.stretch + warp.lean * sine),
            Float(sine / warp.stretch - warp.lean * cosine)
        )
        let (vX, vY) = (Float(-sine), Float(cosine))
        return [Float](unsafeUninitializedCapacity: newWidth * newHeight) { target, count in
            target.initialize(repeating: 0)
            coverage.withUnsafeBufferPointer { source in
                for y in 0..<newHeight {
                    let dy = Float(Double(y) + 0.5 - warp.middle.y)
                    let startX = Float(0.5 - warp.middle.x)
                    for x in 0..<newWidth {
                        let dx = Float(x) + startX
                        let u = uX * dx + uY * dy + Float(middle.x) - 0.5
                        let v = (vX * dx + vY * dy) * shrink[x] - shift[x] + Float(middle.y) - 0.5
                        target[y * newWidth + x] = share(source, u, v)
                    }
                }
            }
            count = newWidth * newHeight
        }
    }

    /// The ink between four pixels; none beyond the border.
    @inline(__always)
    private func share(_ source: UnsafeBufferPointer<UInt8>, _ u: Float, _ v: Float) -> Float {
        guard u >= 0, v >= 0 else { return 0 }
        let (left, top) = (Int(u), Int(v))
        guard left + 1 < width, top + 1 < height else { return 0 }
        let here = top * width + left
        let (p, q) = (u - Float(left), v - Float(top))
        let upper = Float(source[here]) * (1 - p) + Float(source[here + 1]) * p
        let lower = Float(source[here + width]) * (1 - p) + Float(source[here + width + 1]) * p
        return (upper * (1 - q) + lower * q) * (1 / 255)
    }
}
