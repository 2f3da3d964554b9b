# On hadoop-master. It has led the partitions of exercise-2 as broker 0.
sed -i 's/^broker.id=.*/broker.id=0/' /etc/kafka/server-0.properties
systemctl restart kafka@0
