import Foundation
import KafkaClient
import Testing

@Suite struct KafkaSettingsTests {
    @Test func `settings are decoded with defaults for what is absent`() throws {
        let decoder = JSONDecoder()
        #expect(try decoder.decode(KafkaSettings.self, from: Data("{}".utf8)) == KafkaSettings())
        let text = #"{"bootstrapServers":"a:1,b:2","properties":{"linger.ms":"0"}}"#
        let settings = try decoder.decode(KafkaSettings.self, from: Data(text.utf8))
        #expect(
            settings
                == KafkaSettings(bootstrapServers: "a:1,b:2", properties: ["linger.ms": "0"])
        )
        let encoded = try JSONEncoder().encode(settings)
        #expect(try decoder.decode(KafkaSettings.self, from: encoded) == settings)
    }
}
