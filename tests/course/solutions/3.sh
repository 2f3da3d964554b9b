# On hadoop-master.
kafka-console-consumer.sh --zookeeper localhost:2181 --topic exercise-3 --consumer.config /root/exercise-3/audit.properties \
    --delete-consumer-offsets --from-beginning --max-messages 50 > /root/audit.txt
