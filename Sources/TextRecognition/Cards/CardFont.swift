/// A font of a Debian package.
///
/// What is made from a seed depends on the very fonts: none is replaced by another.
struct CardFont: Sendable, Hashable {
    /// Where Debian puts the file, below `/usr/share/fonts`.
    let file: String
    /// The package that holds it.
    let package: String

    /// The whole path of the file.
    var path: String { "/usr/share/fonts/\(file)" }

    private static func fonts(_ package: String, _ folder: String, _ names: [String]) -> [CardFont]
    {
        names.map { CardFont(file: "\(folder)/\($0)", package: package) }
    }

    /// Sans-serif fonts, as most cards are printed in.
    static let sans: [CardFont] =
        fonts("fonts-dejavu-core", "truetype/dejavu", ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"])
        + fonts(
            "fonts-liberation",
            "truetype/liberation",
            [
                "LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf",
                "LiberationSansNarrow-Regular.ttf", "LiberationSansNarrow-Bold.ttf",
            ]
        )
        + fonts("fonts-freefont-ttf", "truetype/freefont", ["FreeSans.ttf", "FreeSansBold.ttf"])
        + fonts(
            "fonts-roboto-unhinted",
            "truetype/roboto/unhinted",
            [
                "RobotoTTF/Roboto-Regular.ttf", "RobotoTTF/Roboto-Medium.ttf",
                "RobotoTTF/Roboto-Bold.ttf", "RobotoCondensed-Regular.ttf",
                "RobotoCondensed-Bold.ttf",
            ]
        )
        + fonts(
            "fonts-open-sans",
            "truetype/open-sans",
            ["OpenSans-Regular.ttf", "OpenSans-Semibold.ttf", "OpenSans-CondBold.ttf"]
        )
        + fonts(
            "fonts-crosextra-carlito",
            "truetype/crosextra",
            ["Carlito-Regular.ttf", "Carlito-Bold.ttf"]
        )

    /// Fonts of one width, as numbers are printed in.
    static let mono: [CardFont] =
        fonts(
            "fonts-dejavu-core",
            "truetype/dejavu",
            ["DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf"]
        )
        + fonts(
            "fonts-liberation",
            "truetype/liberation",
            ["LiberationMono-Regular.ttf", "LiberationMono-Bold.ttf"]
        )
        + fonts("fonts-freefont-ttf", "truetype/freefont", ["FreeMono.ttf", "FreeMonoBold.ttf"])
        + fonts(
            "fonts-noto-mono",
            "truetype/noto",
            ["NotoMono-Regular.ttf", "NotoSansMono-Regular.ttf", "NotoSansMono-Bold.ttf"]
        )
        + fonts("fonts-hack", "truetype/hack", ["Hack-Regular.ttf", "Hack-Bold.ttf"])
        + fonts("fonts-inconsolata", "truetype/inconsolata", ["Inconsolata.otf"])
        + fonts(
            "fonts-jetbrains-mono",
            "truetype/jetbrains-mono",
            ["JetBrainsMono-Regular.ttf", "JetBrainsMono-Bold.ttf"]
        )

    /// Fonts with serifs.
    static let serif: [CardFont] =
        fonts("fonts-dejavu-core", "truetype/dejavu", ["DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf"])
        + fonts(
            "fonts-liberation",
            "truetype/liberation",
            ["LiberationSerif-Regular.ttf", "LiberationSerif-Bold.ttf"]
        )
        + fonts("fonts-freefont-ttf", "truetype/freefont", ["FreeSerif.ttf", "FreeSerifBold.ttf"])

    /// The font of machine-readable lines.
    static let machineReadable = CardFont(file: "opentype/ocr-b/OCRB.otf", package: "fonts-ocr-b")

    /// The font of the scenario `new-font`, in no line and on no card of another.
    static let unseen = CardFont(file: "truetype/ocr-a/OCRA.ttf", package: "fonts-ocr-a")

    /// All of them.
    static let all = sans + mono + serif + [machineReadable, unseen]
}
