package redisstore

import (
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
)

// Kind is how the Redis servers of an [Address] work together.
type Kind uint8

const (
	Single   Kind = iota // one server
	Sentinel             // sentinels know which server is the master
	Cluster              // several masters share the keys
)

// String returns the kind in one lower-case word.
func (k Kind) String() string {
	switch k {
	case Single:
		return "single"
	case Sentinel:
		return "sentinel"
	case Cluster:
		return "cluster"
	}
	return "kind " + strconv.Itoa(int(k))
}

// Address says where Redis is and how to sign in there. The zero Address means
// that there is none. It prints without user names and passwords in every verb of
// fmt and in JSON, except in an unexported field of a struct, where fmt calls no
// methods.
type Address struct {
	Kind Kind
	// TLS is whether connections are encrypted, those to sentinels too.
	TLS bool
	// Hosts are different host:port, in lower case: the one server, the sentinels,
	// or some nodes of the cluster.
	Hosts []string
	// DB is the database's number, 0 in a cluster.
	DB int
	// Username and Password sign in to the servers that hold the data. If both are
	// empty, the client does not sign in; a Password alone is that of the user
	// default.
	Username, Password string
	// Master is the name by which the sentinels know the master.
	Master string
	// SentinelUsername and SentinelPassword sign in to the sentinels, as Username
	// and Password do to the servers.
	SentinelUsername, SentinelPassword string
}

// UnmarshalText reads a URL of one of these forms, with rediss in place of redis
// for TLS:
//
//	redis://user:password@host:6379/0
//	redis+sentinel://user:password@host1:26379,host2/0?master=NAME
//	redis+cluster://user:password@host1:6379,host2
//
// Ports, user, password and the number of the database may be left out. The
// parameters sentinel_username and sentinel_password sign in to the sentinels.
// User, password and parameters are percent-encoded; a + is a plus sign. The
// errors repeat nothing of the text, which may hold a password in any place.
func (a *Address) UnmarshalText(text []byte) error {
	parsed, err := parseAddress(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// IsZero reports whether there is no address.
func (a Address) IsZero() bool { return len(a.Hosts) == 0 }

// String returns the address as a URL, with [redacted] for user names and
// passwords; empty for the zero Address.
func (a Address) String() string {
	if a.IsZero() {
		return ""
	}
	const redacted = "[redacted]"
	var b strings.Builder
	b.WriteString(a.scheme() + "://")
	if a.Username != "" || a.Password != "" {
		b.WriteString(redacted + "@")
	}
	b.WriteString(strings.Join(a.Hosts, ","))
	if a.Kind != Cluster {
		b.WriteString("/" + strconv.Itoa(a.DB))
	}
	if a.Kind == Sentinel {
		b.WriteString("?master=" + url.QueryEscape(a.Master))
	}
	if a.SentinelUsername != "" {
		b.WriteString("&sentinel_username=" + redacted)
	}
	if a.SentinelPassword != "" {
		b.WriteString("&sentinel_password=" + redacted)
	}
	return b.String()
}

func (a Address) scheme() string {
	scheme := "redis"
	if a.TLS {
		scheme = "rediss"
	}
	if a.Kind != Single {
		scheme += "+" + a.Kind.String()
	}
	return scheme
}

// Format implements [fmt.Formatter]: every verb prints the text of
// [Address.String].
func (a Address) Format(f fmt.State, _ rune) { io.WriteString(f, a.String()) }

// MarshalText implements [encoding.TextMarshaler] with the text of
// [Address.String].
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }
