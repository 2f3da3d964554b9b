package tn.insat.tp3;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.streaming.Durations;
import org.apache.spark.streaming.api.java.JavaDStream;
import org.apache.spark.streaming.api.java.JavaPairDStream;
import org.apache.spark.streaming.api.java.JavaStreamingContext;
import org.apache.spark.streaming.kafka.KafkaUtils;
import scala.Tuple2;

/** Counts the words that arrive in Kafka topics, anew every two seconds. */
public final class SparkKafkaWordCount {
    public static void main(String[] args) throws InterruptedException {
        if (args.length < 4) {
            System.err.println("Usage: SparkKafkaWordCount ZOOKEEPER GROUP TOPIC[,TOPIC...] THREADS");
            System.exit(1);
        }
        String zookeeper = args[0];
        String group = args[1];
        Map<String, Integer> threadsOfTopic = new HashMap<>();
        for (String topic : args[2].split(",")) {
            threadsOfTopic.put(topic, Integer.valueOf(args[3]));
        }

        SparkConf conf = new SparkConf().setAppName("SparkKafkaWordCount");
        JavaStreamingContext streaming = new JavaStreamingContext(conf, Durations.seconds(2));

        // The receiver: a consumer of the group, which runs as a task of Spark for as long as the program does.
        JavaDStream<String> lines =
            KafkaUtils.createStream(streaming, zookeeper, group, threadsOfTopic).map(Tuple2::_2);
        JavaPairDStream<String, Integer> counts = lines
            .flatMap(line -> Arrays.asList(line.split(" ")).iterator())
            .mapToPair(word -> new Tuple2<>(word, 1))
            .reduceByKey(Integer::sum);

        // The first ten counts of each batch, below a line with its time.
        counts.print();
        streaming.start();
        streaming.awaitTermination();
    }
}
