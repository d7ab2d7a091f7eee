package main

import (
	"crypto/tls"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/watch"
)

// observeFiles registers the metrics of the files that the gateway rereads.
func observeFiles(c *config.Config, files []gateway.File, registry prometheus.Registerer) error {
	var errs []error
	seen := make(map[string]bool) // a variable for all sites is there for each
	for _, file := range files {
		name := sitesOf(c)[file.Site].NameOf(fieldVariables[file.Field])
		if !seen[name] {
			seen[name] = true
			errs = append(errs, observeFile(name, file.Status, registry))
		}
	}
	return errors.Join(errs...)
}

// observeCertificate registers the metrics of the certificate in the files of the two
// variables.
func observeCertificate(pair *watch.File[*tls.Certificate], registry prometheus.Registerer) error {
	return errors.Join(
		observeFile("WXGATE_TLS_CERT_FILE", pair.Status, registry),
		observeFile("WXGATE_TLS_KEY_FILE", pair.Status, registry),
		registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "wxgate_certificate_expiry_timestamp_seconds",
			Help: "When the certificate that is served ends, as Unix time.",
		}, func() float64 { return unixSeconds(pair.Value().Leaf.NotAfter) })),
	)
}

// observeFile registers the metrics of the file of one variable.
func observeFile(variable string, status func() watch.Status, registry prometheus.Registerer) error {
	labels := prometheus.Labels{"file": variable}
	return errors.Join(
		registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "wxgate_file_reload_success",
			Help:        "Whether the last read of the file succeeded, 1 or 0, by the variable that names it.",
			ConstLabels: labels,
		}, func() float64 {
			if status().OK {
				return 1
			}
			return 0
		})),
		registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "wxgate_file_reload_timestamp_seconds",
			Help:        "When the file was last read successfully, as Unix time, by the variable that names it.",
			ConstLabels: labels,
		}, func() float64 { return unixSeconds(status().ReadAt) })),
	)
}

// unixSeconds returns t as a Unix time with fractions.
func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
