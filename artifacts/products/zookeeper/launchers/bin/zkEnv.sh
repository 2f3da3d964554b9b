# shellcheck shell=bash disable=SC2034
# Sourced by the other launchers (and by whoever wants their class path): upstream's variables with upstream's defaults.
# Expects ZOOBINDIR; sets ZOOCFGDIR, ZOOCFG, ZOO_LOG_DIR, ZOO_LOG_FILE, JAVA, CLASSPATH, SERVER_JVMFLAGS, CLIENT_JVMFLAGS.
ZOOKEEPER_PREFIX=${ZOOBINDIR%/*}
ZOOCFGDIR=${ZOOCFGDIR:-$ZOOKEEPER_PREFIX/conf}
# shellcheck source=/dev/null
[[ ! -f $ZOOCFGDIR/zookeeper-env.sh ]] || . "$ZOOCFGDIR/zookeeper-env.sh"
ZOOCFG=${ZOOCFG:-zoo.cfg}
[[ $ZOOCFG == */* ]] || ZOOCFG=$ZOOCFGDIR/$ZOOCFG
# shellcheck source=/dev/null
[[ ! -f $ZOOCFGDIR/java.env ]] || . "$ZOOCFGDIR/java.env"
ZOO_LOG_DIR=${ZOO_LOG_DIR:-$ZOOKEEPER_PREFIX/logs}
USER=${USER:-$(id -un)}
JAVA=${JAVA_HOME:+$JAVA_HOME/bin/}java
SERVER_JVMFLAGS="-Xmx${ZK_SERVER_HEAP:-1000}m $SERVER_JVMFLAGS"
CLIENT_JVMFLAGS="-Xmx${ZK_CLIENT_HEAP:-256}m $CLIENT_JVMFLAGS"

# Explicit jars in one order, whatever the locale, and the configuration directory behind them: no jar has a file of
# its name, and class-data archives allow a directory only at the end.
zk_classpath() {
    local LC_ALL=C IFS=:
    local jars=("$ZOOKEEPER_PREFIX"/lib/*.jar)
    echo "${CLASSPATH:+$CLASSPATH:}${jars[*]}:$ZOOCFGDIR"
}
CLASSPATH=$(zk_classpath)
export CLASSPATH
# option variables are split into words by the callers, never expanded to file names
set -f

# The value of a key in the server's configuration file.
zk_setting() {
    sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//p" "$ZOOCFG" | sed 's/[[:space:]]*$//' | tail -n 1
}
