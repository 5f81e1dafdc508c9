/// The documents against the program itself, built together with these tests.
enum CommandLineDocumentation {
    /// Commands that documents show and `freshet` lacks, commands that no document shows, and
    /// configuration keys that no document names.
    static func findings() throws -> [String] {
        let freshet = try Program.freshet()
        let documents = try PackageFiles.documents()
        let tree = try CommandTree(
            dump: Program.output(of: freshet, "--experimental-dump-help")
        )
        let keys = try ConfigurationKeys.all(
            in: Program.output(of: freshet, "config", "show", "--json")
        )
        return documents.flatMap(tree.unknownCommands)
            + tree.undocumentedCommands(in: documents)
            + ConfigurationKeys.undocumented(keys, in: documents)
    }
}
