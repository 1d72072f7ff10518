// What etcd is built from: its server is a module of its own, with replacements.

module sapphiretrade.xyz/e2e/etcd

go 1.26

require go.etcd.io/etcd/server/v3 v3.6.14
