package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/wechat"
)

// collector turns tracing on.
const collector = "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318"

func TestTracingIsOff(t *testing.T) {
	t.Parallel()
	for _, changes := range [][]string{
		nil,
		{"OTEL_EXPORTER_OTLP_ENDPOINT="},
		{"OTEL_TRACES_EXPORTER=none"},
		{collector, "OTEL_TRACES_EXPORTER=none"},
		{collector, "OTEL_SDK_DISABLED=true"},
		{collector, "OTEL_SDK_DISABLED=True", "OTEL_EXPORTER_OTLP_PROTOCOL=planted"},
		{"OTEL_SERVICE_NAME=shop", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://collector:4318"},
		{"OTEL_EXPORTER_OTLP_PROTOCOL=planted", "OTEL_TRACES_SAMPLER=planted"},
	} {
		c, err := config.Load(environ(changes...))
		if err != nil || c.Tracing != nil {
			t.Errorf("%q: %v, %v, want no tracing", changes, c, err)
		}
	}
}

func TestTracing(t *testing.T) {
	t.Parallel()
	headers := write(t, "authorization=Bearer%20planted\n")
	for _, tt := range []struct {
		name    string
		changes []string
		change  func(*config.Tracing) // of the default
		address string
	}{
		{"default", []string{"OTEL_TRACES_EXPORTER=otlp"}, nil, "http://localhost:4318/v1/traces"},
		{"default, grpc", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"},
			func(c *config.Tracing) { c.GRPC = true }, "http://localhost:4317"},
		{"not disabled", []string{collector, "OTEL_SDK_DISABLED=yes"}, nil, "http://collector:4318/v1/traces"},
		{"path", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=https://collector/otlp/"}, nil, "https://collector/otlp/v1/traces"},
		{"address for traces", []string{collector, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://traces/a"}, nil, "https://traces/a"},
		{"address for traces alone", []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://traces"}, nil, "https://traces/"},
		{"grpc", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=https://collector:4317/", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc"},
			func(c *config.Tracing) { c.GRPC = true }, "https://collector:4317"},
		{"grpc without a scheme", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"},
			func(c *config.Tracing) { c.GRPC = true }, "https://collector:4317"},
		{"grpc, insecure", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_INSECURE=true"},
			func(c *config.Tracing) { c.GRPC = true }, "http://collector:4317"},
		{"headers", []string{collector, "OTEL_EXPORTER_OTLP_HEADERS= a = b%2Cc , d=e=f "},
			func(c *config.Tracing) { c.Headers = map[string]wechat.Secret{"a": "b,c", "d": "e=f"} }, "http://collector:4318/v1/traces"},
		{"headers in a file", []string{collector, "OTEL_EXPORTER_OTLP_HEADERS_FILE=" + headers},
			func(c *config.Tracing) { c.Headers = map[string]wechat.Secret{"authorization": "Bearer planted"} }, "http://collector:4318/v1/traces"},
		{"export", []string{collector, "OTEL_EXPORTER_OTLP_TIMEOUT=3000", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=gzip"},
			func(c *config.Tracing) { c.Timeout, c.Gzip = 3*time.Second, true }, "http://collector:4318/v1/traces"},
		{"sampler", []string{collector, "OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.25"},
			func(c *config.Tracing) { c.Sampler, c.Ratio = "traceidratio", 0.25 }, "http://collector:4318/v1/traces"},
		{"sampler without a ratio", []string{collector, "OTEL_TRACES_SAMPLER=always_off", "OTEL_TRACES_SAMPLER_ARG=ignored"},
			func(c *config.Tracing) { c.Sampler = "always_off" }, "http://collector:4318/v1/traces"},
		{"resource", []string{collector, "OTEL_RESOURCE_ATTRIBUTES=service.name=a,k8s.pod.name=wxgate%2D0"},
			func(c *config.Tracing) {
				c.Resource = map[string]string{"service.name": "a", "k8s.pod.name": "wxgate-0"}
			}, "http://collector:4318/v1/traces"},
		{"service", []string{collector, "OTEL_SERVICE_NAME=shop", "OTEL_RESOURCE_ATTRIBUTES=service.name=a"},
			func(c *config.Tracing) { c.Resource = map[string]string{"service.name": "shop"} }, "http://collector:4318/v1/traces"},
		{"batches", []string{collector, "OTEL_BSP_SCHEDULE_DELAY=100", "OTEL_BSP_EXPORT_TIMEOUT=200", "OTEL_BSP_MAX_QUEUE_SIZE=30", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=40"},
			func(c *config.Tracing) {
				c.BatchDelay, c.BatchTimeout, c.QueueSize, c.BatchSize = 100*time.Millisecond, 200*time.Millisecond, 30, 30
			}, "http://collector:4318/v1/traces"},
	} {
		c, err := config.Load(environ(tt.changes...))
		if err != nil || c.Tracing == nil {
			t.Errorf("%s: %v, want tracing", tt.name, err)
			continue
		}
		if got := c.Tracing.Endpoint.String(); got != tt.address {
			t.Errorf("%s: endpoint %s, want %s", tt.name, got, tt.address)
		}
		want := &config.Tracing{
			Headers: map[string]wechat.Secret{}, Timeout: 10 * time.Second,
			Sampler: "parentbased_always_on", Ratio: 1, Resource: map[string]string{"service.name": "wxgate"},
			BatchDelay: 5 * time.Second, BatchTimeout: 30 * time.Second, BatchSize: 512, QueueSize: 2048,
		}
		if tt.change != nil {
			tt.change(want)
		}
		if diff := cmp.Diff(want, c.Tracing, cmpopts.IgnoreFields(config.Tracing{}, "Endpoint")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestTracingFiles(t *testing.T) {
	t.Parallel()
	cert, key := pair(t)
	c, err := config.Load(environ(collector, "OTEL_EXPORTER_OTLP_CERTIFICATE="+cert,
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE="+cert, "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY="+key))
	if err != nil || c.Tracing.CAs == nil || c.Tracing.Certificate == nil {
		t.Fatalf("%v, want certificates", err)
	}
}

func TestTracingFaults(t *testing.T) {
	t.Parallel()
	cert, key := pair(t)
	const pairs = "expected name=value, several separated by commas, with special characters percent-encoded"
	samplers := "expected always_on or always_off or traceidratio or parentbased_always_on or parentbased_always_off or parentbased_traceidratio"
	for _, tt := range []struct {
		change string
		want   string
	}{
		{"OTEL_TRACES_EXPORTER=zipkin", `OTEL_TRACES_EXPORTER="zipkin": expected otlp or none`},
		{"OTEL_TRACES_EXPORTER=otlp,console", `OTEL_TRACES_EXPORTER="otlp,console": expected otlp or none`},
		{"OTEL_EXPORTER_OTLP_PROTOCOL=http/json", `OTEL_EXPORTER_OTLP_PROTOCOL="http/json": expected http/protobuf or grpc`},
		{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http", `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http": expected http/protobuf or grpc`},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318", `OTEL_EXPORTER_OTLP_ENDPOINT="collector:4318": expected a URL that begins with http:// or https://`},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://u:planted@collector", `OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL without user name and password`},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://", `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://": expected a host such as h5.example.com or h5.example.com:8080, in ASCII (xn--… for other scripts), no wildcard`},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector/?a=b", `OTEL_EXPORTER_OTLP_ENDPOINT="http://collector/?a=b": expected a URL without query and fragment`},
		{"OTEL_EXPORTER_OTLP_HEADERS=planted", `OTEL_EXPORTER_OTLP_HEADERS: ` + pairs},
		{"OTEL_EXPORTER_OTLP_HEADERS=a=%planted", `OTEL_EXPORTER_OTLP_HEADERS: ` + pairs},
		{"OTEL_EXPORTER_OTLP_HEADERS=a b=planted", `OTEL_EXPORTER_OTLP_HEADERS: expected names and values that a header can have`},
		{"OTEL_EXPORTER_OTLP_TRACES_HEADERS=a=planted%0A", `OTEL_EXPORTER_OTLP_TRACES_HEADERS: expected names and values that a header can have`},
		{"OTEL_EXPORTER_OTLP_HEADERS_FILE=" + write(t, "planted"), `OTEL_EXPORTER_OTLP_HEADERS_FILE: ` + pairs},
		{"OTEL_EXPORTER_OTLP_HEADERS_FILE=authorization=planted", `OTEL_EXPORTER_OTLP_HEADERS_FILE: expected the path of a readable file: no such file or directory; the value is not shown, because it looks like the secret itself`},
		{"OTEL_EXPORTER_OTLP_HEADERS_FILE=secrets/otlp-headers", `OTEL_EXPORTER_OTLP_HEADERS_FILE="secrets/otlp-headers": expected the path of a readable file: no such file or directory`},
		{"OTEL_EXPORTER_OTLP_HEADERS_FILE=/none", `OTEL_EXPORTER_OTLP_HEADERS_FILE="/none": expected the path of a readable file: no such file or directory`},
		{"OTEL_EXPORTER_OTLP_TIMEOUT=10s", `OTEL_EXPORTER_OTLP_TIMEOUT="10s": expected a number from 1 to 86400000`},
		{"OTEL_EXPORTER_OTLP_TIMEOUT=0", `OTEL_EXPORTER_OTLP_TIMEOUT="0": expected a number from 1 to 86400000`},
		{"OTEL_EXPORTER_OTLP_COMPRESSION=zstd", `OTEL_EXPORTER_OTLP_COMPRESSION="zstd": expected gzip or none`},
		{"OTEL_EXPORTER_OTLP_CERTIFICATE=/none", `OTEL_EXPORTER_OTLP_CERTIFICATE="/none": read the certificates: no such file or directory`},
		{"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=" + cert, fmt.Sprintf(`OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=%q: set, but OTEL_EXPORTER_OTLP_CLIENT_KEY is not; a client certificate needs both`, cert)},
		{"OTEL_EXPORTER_OTLP_CLIENT_KEY=" + key, fmt.Sprintf(`OTEL_EXPORTER_OTLP_CLIENT_KEY=%q: set, but OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE is not; a client certificate needs both`, key)},
		{"OTEL_TRACES_SAMPLER=ratio", `OTEL_TRACES_SAMPLER="ratio": ` + samplers},
		{"OTEL_TRACES_SAMPLER_ARG=2", ``},
		{"OTEL_RESOURCE_ATTRIBUTES=shop", `OTEL_RESOURCE_ATTRIBUTES="shop": ` + pairs},
		{"OTEL_BSP_MAX_QUEUE_SIZE=-1", `OTEL_BSP_MAX_QUEUE_SIZE="-1": expected a number from 1 to 86400000`},
	} {
		_, err := config.Load(environ(collector, tt.change))
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v, want no fault", tt.change, err)
			}
			continue
		}
		want := "1 fault in the configuration:\n  " + tt.want
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", tt.change, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: the error shows a secret: %v", tt.change, err)
		}
	}

	for _, ratio := range []string{"2", "-0.1", "NaN", "half"} {
		want := "1 fault in the configuration:\n  OTEL_TRACES_SAMPLER_ARG=\"" + ratio + "\": expected a number from 0 to 1"
		_, err := config.Load(environ(collector, "OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG="+ratio))
		if err == nil || err.Error() != want {
			t.Errorf("ratio %s: %v, want %s", ratio, err, want)
		}
	}
	_, err := config.Load(environ("OTEL_EXPORTER_OTLP_ENDPOINT=http://collector", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
		"OTEL_EXPORTER_OTLP_HEADERS=a=planted", "OTEL_EXPORTER_OTLP_HEADERS_FILE=/none", "WXGATE_LOG_FORMAT=text"))
	want := `3 faults in the configuration:
  WXGATE_LOG_FORMAT="text": expected json or console
  OTEL_EXPORTER_OTLP_ENDPOINT="http://collector": expected a port for grpc, such as http://collector:4317
  OTEL_EXPORTER_OTLP_HEADERS: set as OTEL_EXPORTER_OTLP_HEADERS_FILE too; keep one of the two`
	if err == nil || err.Error() != want {
		t.Errorf("several faults: %v, want %s", err, want)
	}
}

// A configuration may be logged: it shows nothing of the collector's token.
func TestTracingShowsNoSecret(t *testing.T) {
	t.Parallel()
	c, err := config.Load(environ(collector, "OTEL_EXPORTER_OTLP_HEADERS=authorization=planted"))
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, *c.Tracing); strings.Contains(text, "planted") {
			t.Errorf("%s shows the token: %s", verb, text)
		}
	}
}
