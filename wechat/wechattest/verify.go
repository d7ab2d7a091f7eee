package wechattest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"
)

// Verification is what WeChat gets when it fetches a domain's verification file.
type Verification struct {
	Status      int    `json:"status"`
	ContentType string `json:"content_type"`
	Location    string `json:"location,omitempty"` // of a redirect, which is not followed
	Body        string `json:"body"`               // its first 1,000 bytes
	// Problem is why WeChat would refuse the domain; empty: it would accept it.
	Problem string `json:"problem,omitempty"`
}

const (
	verifyTimeout   = 10 * time.Second
	verifyBodyBytes = 1000
)

var verifyName = regexp.MustCompile(`^MP_verify_([A-Za-z0-9]+)\.txt$`)

// FetchVerification fetches an MP_verify_….txt file as WeChat does when a
// domain is entered in the console: without cookies and without following
// redirects. An error means that there was no response.
func FetchVerification(ctx context.Context, address string) (Verification, error) {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return Verification{}, errors.New("fetch verification file: want an http or https address")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Verification{}, fmt.Errorf("fetch verification file: %w", err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return Verification{}, fmt.Errorf("fetch verification file: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, verifyBodyBytes))
	if err != nil {
		return Verification{}, fmt.Errorf("read verification file: %w", err)
	}
	seen := Verification{
		Status: res.StatusCode, ContentType: res.Header.Get("Content-Type"),
		Location: res.Header.Get("Location"), Body: string(body),
	}
	name := verifyName.FindStringSubmatch(path.Base(u.Path))
	switch {
	case name == nil:
		seen.Problem = "the file name is not MP_verify_, letters and digits, and .txt"
	case seen.Location != "":
		seen.Problem = "it redirects, perhaps to a login"
	case seen.Status != http.StatusOK:
		seen.Problem = fmt.Sprintf("the status is %d, not 200", seen.Status)
	case strings.TrimSpace(seen.Body) != name[1]:
		seen.Problem = "the content is not the part of the file name after MP_verify_"
	}
	return seen, nil
}
