package tracing

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"google.golang.org/grpc/credentials"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// newExporter returns what sends spans to the collector. It opens no connection.
func newExporter(c *config.Tracing) (*otlptrace.Exporter, error) {
	if c.GRPC {
		return otlptracegrpc.New(context.Background(), grpcOptions(c)...)
	}
	return otlptracehttp.New(context.Background(), httpOptions(c)...)
}

func httpOptions(c *config.Tracing) []otlptracehttp.Option {
	const maxAnswer = 64 << 10
	compression := otlptracehttp.NoCompression
	if c.Gzip {
		compression = otlptracehttp.GzipCompression
	}
	return []otlptracehttp.Option{
		otlptracehttp.WithEndpointURL(c.Endpoint.String()),
		otlptracehttp.WithHeaders(headers(c)),
		otlptracehttp.WithCompression(compression),
		otlptracehttp.WithMaxResponseSize(maxAnswer),
		otlptracehttp.WithHTTPClient(&http.Client{
			Timeout: c.Timeout,
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				TLSClientConfig:     tlsConfig(c),
				TLSHandshakeTimeout: c.Timeout,
				ForceAttemptHTTP2:   true,
				IdleConnTimeout:     90 * time.Second,
			},
			// The headers hold the collector's token, and no other server is to get it.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
	}
}

func grpcOptions(c *config.Tracing) []otlptracegrpc.Option {
	options := []otlptracegrpc.Option{
		otlptracegrpc.WithEndpoint(c.Endpoint.Host),
		otlptracegrpc.WithHeaders(headers(c)),
		otlptracegrpc.WithTimeout(c.Timeout),
	}
	if c.Gzip {
		options = append(options, otlptracegrpc.WithCompressor("gzip"))
	}
	if c.Endpoint.Scheme == "http" {
		return append(options, otlptracegrpc.WithInsecure())
	}
	return append(options, otlptracegrpc.WithTLSCredentials(credentials.NewTLS(tlsConfig(c))))
}

// headers returns the headers of c in plain text.
func headers(c *config.Tracing) map[string]string {
	plain := make(map[string]string, len(c.Headers))
	for name, value := range c.Headers {
		plain[name] = value.Reveal()
	}
	return plain
}

func tlsConfig(c *config.Tracing) *tls.Config {
	settings := &tls.Config{RootCAs: c.CAs}
	if c.Certificate != nil {
		settings.Certificates = []tls.Certificate{*c.Certificate}
	}
	return settings
}
