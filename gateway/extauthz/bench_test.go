//go:build unix

package extauthz_test

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/rs/zerolog"
)

// BenchmarkCheck measures one check of a signed-in visitor's GET over an open
// connection, client included. "cpu-ns/op" is the processor time of the whole process.
// Compare medians of several runs (-count).
func BenchmarkCheck(b *testing.B) {
	_, conn := start(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["X-Wx-Openid"], h["X-Wx-Appid"] = []string{"oTest0000000000000000000001"}, []string{"wx0000000000000001"}
		h["X-Wx-Source"], h["X-Wx-Scope"] = []string{"wx_client"}, []string{"snsapi_base"}
		w.WriteHeader(http.StatusOK)
	}), zerolog.Nop())
	client, request := authv3.NewAuthorizationClient(conn), checkRequest(nil)
	b.ReportAllocs()
	b.SetParallelism(4)
	before := cpuTime(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if response, err := client.Check(b.Context(), request); err != nil || response.GetOkResponse() == nil {
				b.Errorf("Check = %v, %v; want OK", response, err)
				return
			}
		}
	})
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// cpuTime returns the processor time that this process has used.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
