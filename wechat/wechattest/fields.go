package wechattest

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// fields are the values of a JSON object or form that was sent to the control
// API.
type fields url.Values

func (f fields) text(name string) string { return url.Values(f).Get(name) }

func (f fields) number(name string) (int, error) {
	if f.text(name) == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(f.text(name))
	if err != nil {
		return 0, fmt.Errorf("%s: want a whole number", name)
	}
	return n, nil
}

func (f fields) duration(name string) (time.Duration, error) {
	if f.text(name) == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(f.text(name))
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s: want a duration such as 90s", name)
	}
	return d, nil
}

// formHandler calls f with the fields of a form or of a JSON object.
func formHandler(f func(fields) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given, err := readFields(w, r)
		if err == nil {
			err = f(given)
		}
		done(w, r, err)
	}
}

// jsonHandler calls f with a T decoded from JSON.
func jsonHandler[T any](f func(T) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var value T
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBodyBytes)).Decode(&value); err != nil {
			done(w, r, fmt.Errorf("body: %w", err))
			return
		}
		done(w, r, f(value))
	}
}

func readFields(w http.ResponseWriter, r *http.Request) (fields, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
	if isForm(r) {
		err := r.ParseForm()
		return fields(r.PostForm), err
	}
	if r.ContentLength == 0 {
		return fields{}, nil
	}
	decoder := json.NewDecoder(r.Body)
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, fmt.Errorf("body: want a JSON object: %w", err)
	}
	given := fields{}
	for name, value := range object {
		given[name] = []string{fmt.Sprint(value)}
	}
	return given, nil
}

func isForm(r *http.Request) bool {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return mediaType == "application/x-www-form-urlencoded"
}

// done answers a POST or DELETE. A form is redirected to the page, or gets one that
// says what is wrong; a script gets JSON.
func done(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case err != nil && isForm(r):
		v := view{Chinese: chinese(r), Message: err.Error()}
		render("error.html", http.StatusBadRequest, v).send(w)
	case err != nil:
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
	case isForm(r):
		http.Redirect(w, r, ControlPath, http.StatusSeeOther)
	default:
		writeJSON(w, http.StatusOK, map[string]bool{"ok": true})
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.Encode(v)
}
