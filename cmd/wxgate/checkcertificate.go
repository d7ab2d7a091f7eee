package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// checkCertificate looks at the certificate of the main listener: its names, its time
// and its chain.
func checkCertificate(report *report, c *config.Config, now time.Time) {
	if c.TLSCertFile == "" {
		return
	}
	chain, err := readChain(c)
	if err != nil {
		report.fail("certificate", c.Fault("WXGATE_TLS_CERT_FILE", err.Error()).String(), "")
		return
	}
	findings := slices.Concat(namesOf(c, chain[0]), timesOf(chain, now), orderOf(chain))
	if !slices.ContainsFunc(findings, func(f finding) bool { return f.failed }) {
		findings = append(findings, signerOf(chain, now)...)
	}
	for _, f := range findings {
		f.hint = strings.ReplaceAll(f.hint, "WXGATE_PUBLIC_URL", c.NameOf("WXGATE_PUBLIC_URL"))
		f.print(report, "certificate")
	}
	if len(findings) == 0 {
		report.pass("certificate", "for "+strings.Join(sortedHosts(c), ", ")+
			", until "+chain[0].NotAfter.UTC().Format(time.RFC3339))
	}
}

// A finding is something that is wrong, or odd if it has not failed.
type finding struct {
	failed       bool
	detail, hint string
}

func (f finding) print(report *report, name string) {
	if f.failed {
		report.fail(name, f.detail, f.hint)
		return
	}
	report.note(name, f.detail+"; hint: "+f.hint)
}

// readChain returns the certificates of the file, the first one the server's.
func readChain(c *config.Config) ([]*x509.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
	if err != nil {
		return nil, err
	}
	var chain []*x509.Certificate
	for _, der := range pair.Certificate {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		chain = append(chain, cert)
	}
	return chain, nil
}

// sortedHosts returns the hosts that visitors use.
func sortedHosts(c *config.Config) []string {
	hosts := []string{c.PublicURL.Hostname()}
	if len(c.Sites) > 0 {
		hosts = nil
	}
	for _, site := range c.Sites {
		hosts = append(append(hosts, site.Hosts...), site.Config.PublicURL.Hostname())
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// namesOf returns the hosts of the sites that the certificate is not for.
func namesOf(c *config.Config, leaf *x509.Certificate) (all []finding) {
	for _, host := range sortedHosts(c) {
		if leaf.VerifyHostname(host) == nil {
			continue
		}
		all = append(all, finding{
			true, "not for " + host + ", but for " + namesIn(leaf),
			"use a certificate for " + host + ", or correct WXGATE_PUBLIC_URL",
		})
	}
	return all
}

// namesIn returns the names in a certificate.
func namesIn(leaf *x509.Certificate) string {
	names := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no name"
	}
	const most = 5
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}

// timesOf returns what is wrong with the time of the certificates.
func timesOf(chain []*x509.Certificate, now time.Time) (all []finding) {
	for i, cert := range chain {
		which := ""
		if i > 0 {
			which = fmt.Sprintf("number %d of the file, an issuer, ", i+1)
		}
		switch {
		case now.After(cert.NotAfter):
			all = append(all, finding{true, which + "ended at " + cert.NotAfter.UTC().Format(time.RFC3339), "renew it"})
		case now.Before(cert.NotBefore):
			all = append(all, finding{
				true, which + "begins at " + cert.NotBefore.UTC().Format(time.RFC3339),
				"wait, or correct the clock of this machine",
			})
		case cert.NotAfter.Sub(now) < certificateNotice:
			all = append(all, finding{false, which + "ends at " + cert.NotAfter.UTC().Format(time.RFC3339), "renew it"})
		}
	}
	return all
}

// orderOf returns whether each certificate is followed by its issuer.
func orderOf(chain []*x509.Certificate) []finding {
	for i, cert := range chain[:len(chain)-1] {
		if issued(chain[i+1], cert) {
			continue
		}
		signs := func(other *x509.Certificate) bool { return other != cert && issued(other, cert) }
		if slices.ContainsFunc(chain, signs) {
			return []finding{{
				false, "the certificates of the file are in the wrong order",
				"put the server's first, and each issuer behind the one that it signed",
			}}
		}
		return []finding{{
			false, fmt.Sprintf("number %d of the file did not sign number %d", i+2, i+1),
			"put the issuer's certificate there: browsers may refuse the site without it",
		}}
	}
	return nil
}

// issued reports whether issuer signed cert.
func issued(issuer, cert *x509.Certificate) bool {
	return string(issuer.RawSubject) == string(cert.RawIssuer) && cert.CheckSignatureFrom(issuer) == nil
}

// signerOf returns whether browsers can be expected to know who signed the certificate,
// as far as this machine can tell.
func signerOf(chain []*x509.Certificate, now time.Time) []finding {
	leaf, issuers := chain[0], x509.NewCertPool()
	for _, cert := range chain[1:] {
		issuers.AddCert(cert)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Intermediates: issuers, CurrentTime: now})
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case !unknown:
		return nil
	case string(leaf.RawSubject) == string(leaf.RawIssuer) && len(chain) == 1:
		return []finding{{false, "self-signed, which browsers refuse", "use a certificate of a public authority"}}
	case len(chain) == 1:
		return []finding{{
			false, "the file holds no issuer's certificate, and this machine does not know " + leaf.Issuer.String(),
			"append the intermediate certificates (fullchain.pem): browsers may refuse the site without them",
		}}
	default:
		return []finding{{
			false, "this machine does not know the authority " + chain[len(chain)-1].Issuer.String(),
			"append the intermediate certificates (fullchain.pem), or use a public authority",
		}}
	}
}
