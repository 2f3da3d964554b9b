# On hadoop-master.
export HADOOP_USER_NAME=hdfs
hdfs dfsadmin -safemode leave
hdfs dfs -rm -skipTrash /exercise-6/lost
