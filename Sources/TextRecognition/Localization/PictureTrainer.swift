internal import Learning

/// Trains a network on pictures: AdamW, with statistics of the batch in the normalizations.
///
/// Owned by one thread.
final class PictureTrainer {
    private let network: ConvolutionalNetwork
    private let parameters: FloatBuffer
    private let statistics: FloatBuffer
    private let gradients: FloatBuffer
    private let optimizer: AdamW
    private let pass: NetworkPass<PreparedPicture>

    /// A trainer that has learned nothing; `purpose` keeps networks of one seed apart.
    init(_ network: ConvolutionalNetwork, seed: UInt64, purpose: UInt64) {
        self.network = network
        parameters = FloatBuffer(count: network.parameters.count)
        statistics = FloatBuffer(count: network.statistics.count)
        gradients = FloatBuffer(count: network.parameters.count)
        network.drawParameters(seed: seed, purpose: purpose, into: parameters)
        network.resetStatistics(in: statistics)
        var settings = AdamW.Settings()
        settings.decay = 0.01
        optimizer = AdamW(network.parameters, parameters: parameters, settings: settings)
        pass = NetworkPass(network)
    }

    /// One step; `loss` replaces the outputs for the n-th picture by their gradient.
    ///
    /// Returns the sum of losses. If a gradient is not finite nothing was learned, and neither is
    /// the answer.
    func step(
        _ pictures: [PreparedPicture],
        rate: Float,
        loss: (_ outputs: Planes, _ index: Int) -> Double
    ) -> Double {
        gradients.fill(0)
        pass.begin(pictures)
        pass.forward(parameters, statistics, .batch)
        var sum = 0.0
        for index in pictures.indices { sum += loss(pass.outputs, index) }
        pass.backward(parameters, gradients, .batch)
        let norm = optimizer.step(parameters, gradients: gradients, rate: rate)
        return norm.isFinite ? sum : norm
    }

    /// Adds the averaged parameters and the statistics.
    func encode(prefix: String, into tensors: inout NamedTensors) {
        network.parameters.encode(optimizer.average, prefix: prefix, into: &tensors)
        network.statistics.encode(statistics, prefix: prefix, into: &tensors)
    }
}
