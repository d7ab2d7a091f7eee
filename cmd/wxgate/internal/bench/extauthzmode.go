package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

var extAuthzMode = mode{
	name: "extauthz",
	about: "Envoy's gRPC checks of a request with a session, over 4 HTTP/2 connections, compared with a service that " +
		"does nothing.",
	measures:  requestMeasures,
	reference: "empty",
	run: func(b *bench, ctx context.Context, rounds int) error {
		p := plan{targets: append([]target{b.grpcReference("empty")}, b.gateways(variant{grpc: true})...)}
		p.targets = append(p.targets, b.grpcReference("empty, again"))
		p.trials = []trial{{"GET", b.measureChecks}}
		return p.run(ctx, rounds, b.record)
	},
}

func (b *bench) grpcReference(name string) target {
	return target{name, func(ctx context.Context) (*server, error) {
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		p, err := b.spawn(ctx, name, b.program("grpcreference"), []string{address}, nil)
		if err != nil {
			return nil, err
		}
		s := &server{host: address, grpc: address, cookie: b.cookie, process: p, pids: []int{p.cmd.Process.Pid}}
		if s.startup, err = p.ready(ctx, address, []byte(http2Preface)); err != nil {
			p.stop()
			return nil, err
		}
		return s, nil
	}}
}

const (
	http2Preface    = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	grpcConnections = 4 // an Envoy has one for each of its threads
)

// measureChecks measures checks by as many clients as other modes have connections.
func (b *bench) measureChecks(ctx context.Context, s *server) (values, error) {
	var clients []authv3.AuthorizationClient
	for range grpcConnections {
		conn, err := grpc.NewClient("passthrough:///"+s.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		clients = append(clients, authv3.NewAuthorizationClient(conn))
	}
	request := checkRequest(s)
	if _, err := b.checkAll(ctx, s, clients, request, b.warm); err != nil {
		return nil, err
	}
	var latencies *hdrhistogram.Histogram
	total, err := s.watch(ctx, func() (err error) {
		latencies, err = b.checkAll(ctx, s, clients, request, b.scale.requests)
		return err
	})
	if err != nil {
		return nil, err
	}
	return requestValues(total, b.scale.requests, latencies), nil
}

// checkAll makes n checks.
func (b *bench) checkAll(
	ctx context.Context, s *server, clients []authv3.AuthorizationClient, request *authv3.CheckRequest, n int,
) (*hdrhistogram.Histogram, error) {
	var mu sync.Mutex
	latencies := newHistogram()
	group, ctx := errgroup.WithContext(ctx)
	for worker := range b.scale.connections {
		group.Go(func() error {
			client := clients[worker%len(clients)]
			for i := worker; i < n; i += b.scale.connections {
				start := time.Now()
				response, err := client.Check(ctx, request)
				if err != nil {
					return err
				}
				if err := passes(response, s.openID); err != nil {
					return err
				}
				took := min(time.Since(start), slowest)
				mu.Lock()
				latencies.RecordValue(took.Microseconds())
				mu.Unlock()
			}
			return nil
		})
	}
	return latencies, group.Wait()
}

// passes returns an error unless a response lets the request of the visitor pass.
func passes(response *authv3.CheckResponse, openID string) error {
	ok := response.GetOkResponse()
	if ok == nil {
		return fmt.Errorf("check was denied with %s", response.GetDeniedResponse().GetStatus())
	}
	if openID == "" {
		return nil
	}
	for _, h := range ok.GetHeaders() {
		if strings.EqualFold(h.GetHeader().GetKey(), "X-WX-OpenID") {
			if h.GetHeader().GetValue() == openID || string(h.GetHeader().GetRawValue()) == openID {
				return nil
			}
		}
	}
	return errors.New("check passed without the visitor's X-WX-OpenID")
}

// checkRequest is what Envoy sends about a visitor's request.
func checkRequest(s *server) *authv3.CheckRequest {
	headers := map[string]string{}
	for line := range strings.Lines(common + s.cookie) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		headers[strings.ToLower(name)] = value
	}
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
			Id: "1", Method: "GET", Host: s.host, Path: "/shop/items?item=1024", Scheme: "http", Protocol: "HTTP/1.1",
			Headers: headers,
		}},
	}}
}
