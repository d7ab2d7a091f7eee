package redistest

import (
	"fmt"
	"slices"
	"strings"
)

// A clusterNode is a line of CLUSTER NODES: what one node knows of another.
type clusterNode struct {
	id, master string // master is "-" for a master
	failed     bool   // the nodes agree that it does not answer
	slots      bool   // it has slots
}

// nodes returns what the node knows of all nodes, itself included.
func (s *Server) nodes() ([]clusterNode, error) {
	answer, err := s.run(patience, "CLUSTER", "NODES")
	if err != nil {
		return nil, err
	}
	var list []clusterNode
	for line := range strings.Lines(answer) {
		// ID, address, flags, master, ping, pong, epoch, link, slots
		f := strings.Fields(line)
		if len(f) < 8 {
			return nil, fmt.Errorf("CLUSTER NODES has the line %q", line)
		}
		flags := strings.Split(f[2], ",")
		list = append(list, clusterNode{f[0], f[3], slices.Contains(flags, "fail"), len(f) > 8})
	}
	return list, nil
}

// KillNode kills a node and waits until all others have noticed. If it is a master
// with a replica, they take commands for all slots again when KillNode returns; if
// it is one without, they refuse commands.
func (c *Cluster) KillNode(t TB, i int) {
	t.Helper()
	node := c.nodes[i]
	id := node.Do(t, "CLUSTER", "MYID")
	known, err := node.nodes()
	if err != nil {
		t.Fatalf("%v", err)
	}
	lost := false // slots, for good
	for _, n := range known {
		lost = lost || n.id == id && n.slots
	}
	if slices.ContainsFunc(known, func(n clusterNode) bool { return n.master == id && !n.failed }) {
		lost = false
	}
	node.Kill()
	eventually(t, "notice that a node is down", func() error {
		return c.each(func(other *Server) error { return other.noticed(id, lost) })
	})
}

// noticed reports whether the node knows that another one is down, and takes
// commands if no slots are lost.
func (s *Server) noticed(id string, lost bool) error {
	known, err := s.nodes()
	if err != nil {
		return err
	}
	for _, n := range known {
		if n.id == id && (!n.failed || n.slots != lost) {
			return fmt.Errorf("node on %s: failed is %t, slots is %t", s.Addr(), n.failed, n.slots)
		}
	}
	if lost {
		return s.state("fail")
	}
	return s.state("ok")
}

// state reports whether a node's cluster_state is the given one.
func (s *Server) state(want string) error {
	info, err := s.run(patience, "CLUSTER", "INFO")
	if err == nil && !strings.Contains(info, "cluster_state:"+want) {
		err = fmt.Errorf("node on %s: %s", s.Addr(), info)
	}
	return err
}
