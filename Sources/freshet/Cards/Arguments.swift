public import ArgumentParser
public import TextRecognition

extension CardScenario: ExpressibleByArgument {}

extension CheckDigit: ExpressibleByArgument {}
