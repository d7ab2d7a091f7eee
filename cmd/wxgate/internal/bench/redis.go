package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

const redisServer = "redis-server"

// redis is a server that keeps nothing on disk.
type redis struct {
	address string
	process *process
}

func (b *bench) startRedis(ctx context.Context) (redis, error) {
	address, err := freeAddress()
	if err != nil {
		return redis{}, err
	}
	host, port, _ := net.SplitHostPort(address)
	p, err := b.spawn(ctx, "redis", redisServer,
		[]string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", b.dir}, nil)
	if err != nil {
		return redis{}, err
	}
	if _, err := p.ready(ctx, address, []byte("PING\r\n")); err != nil {
		p.stop()
		return redis{}, err
	}
	return redis{address, p}, nil
}

// used returns the bytes of memory that Redis uses for its data.
func (r redis) used(ctx context.Context) (float64, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write([]byte("INFO memory\r\nQUIT\r\n")); err != nil {
		return 0, err
	}
	for scanner := bufio.NewScanner(conn); scanner.Scan(); {
		if value, found := strings.CutPrefix(scanner.Text(), "used_memory:"); found {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("redis tells no used_memory")
}
