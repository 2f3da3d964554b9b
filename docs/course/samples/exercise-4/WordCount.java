import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.streaming.Durations;
import org.apache.spark.streaming.api.java.JavaDStream;
import org.apache.spark.streaming.api.java.JavaPairDStream;
import org.apache.spark.streaming.api.java.JavaStreamingContext;
import org.apache.spark.streaming.kafka.KafkaUtils;
import scala.Tuple2;

/** Counts the words that arrive in a Kafka topic, anew every two seconds. Two receivers share the work. */
public final class WordCount {
    private static final int RECEIVERS = 2;

    public static void main(String[] args) throws InterruptedException {
        if (args.length != 4) {
            System.err.println("Usage: WordCount ZOOKEEPER GROUP TOPIC THREADS");
            System.exit(1);
        }
        String zookeeper = args[0];
        String group = args[1];
        String topic = args[2];
        Integer threads = Integer.valueOf(args[3]);

        SparkConf conf = new SparkConf().setAppName("WordCount");
        JavaStreamingContext streaming = new JavaStreamingContext(conf, Durations.seconds(2));

        // Each receiver has a name of its own, so that they can be told apart in ZooKeeper.
        List<JavaDStream<String>> received = new ArrayList<>();
        for (int number = 1; number <= RECEIVERS; number++) {
            String name = group + "-" + number;
            received.add(KafkaUtils.createStream(
                streaming, zookeeper, name, Collections.singletonMap(topic, threads)).map(Tuple2::_2));
        }
        JavaDStream<String> lines = streaming.union(received.get(0), received.subList(1, received.size()));

        JavaPairDStream<String, Integer> counts = lines
            .flatMap(line -> Arrays.asList(line.split(" ")).iterator())
            .mapToPair(word -> new Tuple2<>(word, 1))
            .reduceByKey(Integer::sum);
        counts.print();
        streaming.start();
        streaming.awaitTermination();
    }
}
