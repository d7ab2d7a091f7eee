package redistest

import (
	"errors"
	"strconv"
	"strings"
)

const (
	masters = 3     // of a cluster here
	slots   = 16384 // of any cluster
)

// A Cluster is a Redis cluster of three masters and their replicas.
type Cluster struct {
	options Options
	nodes   []*Server // the masters, then the replicas
}

// StartCluster starts a cluster, which takes commands when it returns. It needs a
// real redis-server. A master that does not answer is replaced by its replica
// after about two seconds.
func StartCluster(t TB, options ...Options) *Cluster {
	t.Helper()
	c := &Cluster{options: prepare(t, options)}
	path := program(t, true)
	lines := append(c.options.data(), "cluster-enabled yes", "cluster-node-timeout 1000",
		"cluster-replica-validity-factor 0", "cluster-allow-replica-migration no")
	if c.options.TLS {
		lines = append(lines, "tls-cluster yes")
	}
	for range masters * (1 + c.options.Replicas) {
		c.nodes = append(c.nodes, launch(t, path, c.options, c.options.Args, lines...))
	}
	for _, node := range c.nodes {
		node.await(t)
	}
	c.meet(t)
	for i, replica := range c.nodes[masters:] {
		replica.Do(t, "CLUSTER", "REPLICATE", c.nodes[i%masters].Do(t, "CLUSTER", "MYID"))
	}
	for _, replica := range c.nodes[masters:] {
		eventually(t, "replicate", replica.linked)
	}
	eventually(t, "take commands", func() error {
		return c.each(func(node *Server) error { return node.state("ok") })
	})
	return c
}

// meet shares the slots between the masters and makes all nodes know each other.
func (c *Cluster) meet(t TB) {
	t.Helper()
	for i, node := range c.nodes {
		node.Do(t, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		if i < masters {
			first, end := slots*i/masters, slots*(i+1)/masters
			node.Do(t, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(first), strconv.Itoa(end-1))
		}
		for _, other := range c.nodes[:i] {
			node.Do(t, "CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(other.port))
		}
	}
	eventually(t, "let the nodes meet", func() error { return c.each(c.knows) })
}

// knows reports whether a node is connected to all others.
func (c *Cluster) knows(node *Server) error {
	list, err := node.run(patience, "CLUSTER", "NODES")
	connected := strings.Count(list, " connected")
	if err == nil && (connected != len(c.nodes) || strings.Contains(list, "handshake")) {
		err = errors.New(list)
	}
	return err
}

// each returns the first error of f for a node that runs.
func (c *Cluster) each(f func(node *Server) error) error {
	for _, node := range c.nodes {
		if !node.process.alive() {
			continue
		}
		if err := f(node); err != nil {
			return err
		}
	}
	return nil
}

// URL returns the cluster's address for WXGATE_REDIS_URL, with all nodes and the
// default user's password.
func (c *Cluster) URL() string { return c.URLOf("", c.options.Password) }

// URLOf is [Cluster.URL] with the name and password of another ACL user.
func (c *Cluster) URLOf(user, password string) string {
	return c.options.address("+cluster", addresses(c.nodes), user, password).String()
}

// CAFile returns the PEM file of the CA of all certificates; "" without TLS.
func (c *Cluster) CAFile() string { return c.options.caFile() }

// Nodes returns the three nodes that started as masters, then their replicas: the
// first replica of each, then the second.
func (c *Cluster) Nodes() []*Server { return c.nodes }
