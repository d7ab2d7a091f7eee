package redistest

import (
	"maps"
	"slices"
	"strconv"
)

// admin is the ACL user of [Server.Do], replicas, sentinels and cluster nodes. It
// keeps its rights whatever a test does to the default user.
const admin, adminPassword = "redistest", "redistest-password"

// connections returns the lines of the configuration file about who may connect
// and how.
func (s *Server) connections(t TB) []string {
	t.Helper()
	o, port := s.options, strconv.Itoa(s.port)
	lines := []string{"bind 127.0.0.1", "user " + admin + " on >" + adminPassword + " ~* &* +@all"}
	if o.Password != "" {
		lines = append(lines, "requirepass "+strconv.Quote(o.Password))
	}
	for _, name := range slices.Sorted(maps.Keys(o.Users)) {
		lines = append(lines, "user "+name+" "+o.Users[name])
	}
	if !o.TLS {
		return append(lines, "port "+port)
	}
	certificate, key := o.authority.issue(t)
	return append(lines, "port 0", "tls-port "+port, "tls-auth-clients no", "tls-replication yes",
		"tls-cert-file "+strconv.Quote(certificate), "tls-key-file "+strconv.Quote(key),
		"tls-ca-cert-file "+strconv.Quote(o.authority.file))
}

// data returns the lines about data and replication, which sentinels have not.
func (o Options) data() []string {
	lines := []string{
		`save ""`,
		"enable-debug-command yes",
		"shutdown-timeout 1", // seconds that a master waits for a suspended replica
		"masteruser " + admin, "masterauth " + adminPassword,
		"repl-diskless-sync yes", "repl-diskless-sync-delay 0", "repl-ping-replica-period 1",
	}
	if o.Persist {
		lines = append(lines, "appendonly yes", "rdbcompression no") // see Server.fill
	}
	return lines
}
