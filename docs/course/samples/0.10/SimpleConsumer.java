import java.util.Collections;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;

/** Prints the records of a topic as they arrive: the consumer since Kafka 0.9, for which the brokers keep the groups. */
public class SimpleConsumer {
    public static void main(String[] args) {
        if (args.length == 0) {
            System.out.println("Which topic? Give its name: java SimpleConsumer TOPIC");
            return;
        }
        String topic = args[0];

        Properties config = new Properties();
        // The second broker of the lab. No ZooKeeper: the group is the broker's matter.
        config.put("bootstrap.servers", "localhost:9095");
        config.put("group.id", "test");
        config.put("enable.auto.commit", "true");
        config.put("auto.commit.interval.ms", "1000");
        config.put("session.timeout.ms", "30000");
        config.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        config.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");

        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config)) {
            consumer.subscribe(Collections.singletonList(topic));
            System.out.println("Subscribed to topic " + topic);
            while (true) {
                for (ConsumerRecord<String, String> record : consumer.poll(100)) {
                    System.out.printf("offset = %d, key = %s, value = %s%n", record.offset(), record.key(), record.value());
                }
            }
        }
    }
}
