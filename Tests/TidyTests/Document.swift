/// A Markdown file.
struct Document {
    let path: String
    let text: String

    /// The code in it: each line of a fenced block, and each span in backticks.
    var code: [Substring] {
        var found: [Substring] = []
        var isFenced = false
        for line in text.split(separator: "\n") {
            if line.drop(while: { $0 == " " }).hasPrefix("```") {
                isFenced.toggle()
            } else if isFenced {
                found.append(line)
            } else {
                found += line.matches(of: /`([^`]+)`/).map(\.1)
            }
        }
        return found
    }

    /// What it names as if it were a file or folder of this repository, in backticks or as a link.
    var paths: [String] {
        let spans = text.matches(of: /`([^`\n]+)`/).map { String($0.1) }
        let links = text.matches(of: /\]\(([^)\s#]+)[^)]*\)/).map { String($0.1) }
        return spans.filter(Self.looksLikePath)
            + links.filter { !$0.contains(":") && !$0.hasPrefix("#") }.map(fromRoot)
    }

    private static func looksLikePath(_ span: String) -> Bool {
        span.wholeMatch(
            of: /(?:Sources|Tests|Examples|Benchmarks|config|topics|docs|\.ci)\/[\w.\/+-]*/
        ) != nil
            || span.wholeMatch(of: /[A-Z][A-Za-z]*\.(?:md|swift)|Makefile|LICENSE/) != nil
    }

    /// Links are relative to the document, spans to the root.
    private func fromRoot(_ link: String) -> String {
        let folder = path.split(separator: "/").dropLast().joined(separator: "/")
        return folder.isEmpty ? link : "\(folder)/\(link)"
    }
}
