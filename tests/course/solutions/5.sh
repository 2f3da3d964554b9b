# On each slave.
sed -i '/dfs.datanode.du.reserved/d' /etc/hadoop/hdfs-site.xml
systemctl restart hdfs-datanode
