import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Sends ten records to a topic; key and value are the numbers 0 to 9. */
public class SimpleProducer {
    public static void main(String[] args) {
        if (args.length == 0) {
            System.out.println("Which topic? Give its name: java SimpleProducer TOPIC");
            return;
        }
        String topic = args[0];

        Properties config = new Properties();
        // Any broker will do: it tells the client about all others.
        config.put("bootstrap.servers", "localhost:9092");
        // A record is sent when all replicas that are in sync have it.
        config.put("acks", "all");
        // No second try after an error.
        config.put("retries", 0);
        // Bytes that are gathered for one partition before they go out together.
        config.put("batch.size", 16384);
        // Bytes that may wait in the producer as a whole.
        config.put("buffer.memory", 33554432);
        config.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        config.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");

        // send() only queues a record: an error shows later, in the callback.
        // Leaving the block closes the producer, which waits until all are sent.
        try (Producer<String, String> producer = new KafkaProducer<>(config)) {
            for (int number = 0; number < 10; number++) {
                String text = Integer.toString(number);
                producer.send(new ProducerRecord<>(topic, text, text), (where, error) -> {
                    if (error != null) {
                        error.printStackTrace();
                    }
                });
            }
        }
        System.out.println("10 records sent to " + topic);
    }
}
