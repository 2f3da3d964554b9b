import java.util.Collections;
import java.util.Properties;
import kafka.consumer.Consumer;
import kafka.consumer.ConsumerConfig;
import kafka.consumer.ConsumerIterator;
import kafka.consumer.KafkaStream;
import kafka.javaapi.consumer.ConsumerConnector;
import kafka.message.MessageAndMetadata;
import kafka.serializer.StringDecoder;

/** Prints the records of a topic as they arrive: the consumer of Kafka 0.8, which works by way of ZooKeeper. */
public class SimpleConsumer {
    public static void main(String[] args) {
        if (args.length == 0) {
            System.out.println("Which topic? Give its name: java SimpleConsumer TOPIC");
            return;
        }
        String topic = args[0];

        Properties config = new Properties();
        // Members of a group and their offsets are kept in ZooKeeper.
        config.put("zookeeper.connect", "localhost:2181");
        config.put("group.id", "test");
        // Every second the offset that was reached is written down.
        config.put("auto.commit.enable", "true");
        config.put("auto.commit.interval.ms", "1000");
        // A member that is silent for so long has left the group.
        config.put("zookeeper.session.timeout.ms", "30000");

        ConsumerConnector connector = Consumer.createJavaConsumerConnector(new ConsumerConfig(config));
        // Ctrl-C: write the last offset down and leave the group at once, so that the next member need not wait.
        Runtime.getRuntime().addShutdownHook(new Thread(connector::shutdown));

        StringDecoder text = new StringDecoder(null);
        KafkaStream<String, String> stream =
            connector.createMessageStreams(Collections.singletonMap(topic, 1), text, text).get(topic).get(0);
        System.out.println("Subscribed to topic " + topic);

        ConsumerIterator<String, String> records = stream.iterator();
        while (records.hasNext()) {
            MessageAndMetadata<String, String> record = records.next();
            System.out.printf("offset = %d, key = %s, value = %s%n", record.offset(), record.key(), record.message());
        }
    }
}
