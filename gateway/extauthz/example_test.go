package extauthz_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/rs/zerolog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/extauthz"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// A gateway decides about the requests that an Envoy receives.
func Example() {
	g, err := gateway.New(gateway.Config{Sites: []gateway.Site{{
		PublicURL:   "https://h5.example.com",
		Account:     &wechat.Client{AppID: "wx0123456789abcdef", AppSecret: "not used here"},
		CookieKeys:  session.Keys{session.Key("32 random bytes or more, for all replicas")},
		PublicPaths: []string{"/static/"},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // of a private network
	if err != nil {
		log.Fatal(err)
	}
	server := extauthz.New(http.HandlerFunc(g.Authorize), zerolog.Nop())
	go server.Serve(listener)
	defer server.Close()

	// This is Envoy's part. Without a session, a visitor may load public paths.
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	for _, path := range []string{"/static/logo.png", "/shop"} {
		response, err := authv3.NewAuthorizationClient(conn).Check(context.Background(), pageLoad(path))
		if err != nil {
			log.Fatal(err)
		}
		if response.GetOkResponse() != nil {
			fmt.Println(path, "passes")
			continue
		}
		denied := response.GetDeniedResponse()
		fmt.Println(path, "is denied with", denied.GetStatus().GetCode().Number())
		for _, h := range denied.GetHeaders() {
			if h.GetHeader().GetKey() == "location" {
				fmt.Println(h.GetHeader().GetValue())
			}
		}
	}
	// Output:
	// /static/logo.png passes
	// /shop is denied with 302
	// https://h5.example.com/_wx/login?return_to=%2Fshop
}

// pageLoad is what Envoy sends when a browser loads a page.
func pageLoad(path string) *authv3.CheckRequest {
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
			Method: "GET", Host: "h5.example.com", Path: path, Scheme: "https", Protocol: "HTTP/2",
			Headers: map[string]string{"accept": "text/html", "sec-fetch-mode": "navigate"},
		}},
	}}
}
