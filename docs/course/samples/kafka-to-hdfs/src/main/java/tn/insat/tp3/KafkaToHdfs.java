package tn.insat.tp3;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import kafka.serializer.StringDecoder;
import org.apache.spark.SparkConf;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.streaming.Durations;
import org.apache.spark.streaming.api.java.JavaDStream;
import org.apache.spark.streaming.api.java.JavaStreamingContext;
import org.apache.spark.streaming.kafka.KafkaUtils;
import scala.Tuple2;

/** Keeps the lines of a Kafka topic in HDFS, one directory for every batch of two seconds that had some. */
public final class KafkaToHdfs {
    public static void main(String[] args) throws InterruptedException {
        if (args.length != 4) {
            System.err.println("Usage: KafkaToHdfs ZOOKEEPER GROUP TOPIC DIRECTORY");
            System.exit(1);
        }
        String topic = args[2];
        String directory = args[3];

        SparkConf conf = new SparkConf().setAppName("KafkaToHdfs");
        JavaStreamingContext streaming = new JavaStreamingContext(conf, Durations.seconds(2));

        Map<String, String> consumer = new HashMap<>();
        consumer.put("zookeeper.connect", args[0]);
        consumer.put("group.id", args[1]);
        // A group that never read begins with the oldest record: nothing is missed, whoever starts first.
        consumer.put("auto.offset.reset", "smallest");
        JavaDStream<String> lines = KafkaUtils.createStream(
            streaming, String.class, String.class, StringDecoder.class, StringDecoder.class, consumer,
            Collections.singletonMap(topic, 1), StorageLevel.MEMORY_AND_DISK_SER()).map(Tuple2::_2);

        lines.foreachRDD((batch, time) -> {
            // Many small files are a burden for the NameNode: one for a batch, none for a batch without lines.
            if (!batch.isEmpty()) {
                batch.coalesce(1).saveAsTextFile(directory + "/" + time.milliseconds());
            }
        });
        streaming.start();
        streaming.awaitTermination();
    }
}
