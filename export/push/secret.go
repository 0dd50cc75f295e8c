package push

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"netmon/internal/private"
)

// reference finds references to secrets inside of a text, as channels have them.
var reference = regexp.MustCompile(`\$\{(env|file):([^{}]+)\}`)

// secrets resolves references, and keeps what they stand for out of messages.
type secrets struct{ known []string }

// resolveURL puts what references stand for into a URL: as it is where all of it is one
// reference, and else escaped.
func (s *secrets) resolveURL(text string) (string, error) {
	if reference.FindString(text) == text {
		return s.resolve(text, asItIs)
	}
	return s.resolve(text, func(v string) string { return strings.ReplaceAll(url.QueryEscape(v), "+", "%20") })
}

func asItIs(v string) string { return v }

// resolve puts what references stand for into a text.
func (s *secrets) resolve(text string, escape func(string) string) (string, error) {
	var wrong error
	out := reference.ReplaceAllStringFunc(text, func(ref string) string {
		m := reference.FindStringSubmatch(ref)
		value, ok := os.LookupEnv(m[2])
		if m[1] == "file" {
			var err error
			if value, err = readSecret(m[2]); err != nil {
				wrong = err
				return ""
			}
			ok = true
		}
		if !ok || value == "" {
			wrong = fmt.Errorf("%s: there is nothing in it", ref)
		}
		s.keepOut(value)
		return escape(value)
	})
	if wrong == nil && strings.Contains(reference.ReplaceAllString(text, ""), "${") {
		wrong = errors.New("want references as ${env:NAME} or ${file:PATH}, got something else after ${") // which may be a secret
	}
	return out, wrong
}

// readSecret reads a file that nobody else may read.
func readSecret(path string) (string, error) {
	if err := private.Err(private.Secret(path)); err != nil {
		return "", err
	}
	data, err := os.ReadFile(path) // #nosec G304 -- the operator names the file
	return strings.TrimSpace(string(data)), err
}

func (s *secrets) keepOut(values ...string) {
	for _, v := range values {
		for _, form := range []string{v, url.QueryEscape(v), url.PathEscape(v)} {
			if v != "" && !slices.Contains(s.known, form) {
				s.known = append(s.known, form)
			}
		}
	}
	slices.SortFunc(s.known, func(a, b string) int { return len(b) - len(a) })
}

// conceal puts stars where a secret is.
func (s *secrets) conceal(text string) string {
	for _, v := range s.known {
		text = strings.ReplaceAll(text, v, "*****")
	}
	return text
}

// openQuery are parameters of addresses that say where something goes, and are no secret.
var openQuery = []string{"db", "rp", "org", "orgID", "bucket", "precision", "consistency", "tenant"}

// shown is a URL without its secrets, which are kept out from then on.
func (s *secrets) shown(u *url.URL) string {
	out := *u
	if u.User != nil {
		password, _ := u.User.Password()
		s.keepOut(password)
		out.User = nil
	}
	query := u.Query()
	for name, values := range query {
		if !slices.Contains(openQuery, name) {
			s.keepOut(values...)
			query[name] = []string{"*****"}
		}
	}
	out.RawQuery = strings.ReplaceAll(query.Encode(), "%2A%2A%2A%2A%2A", "*****")
	return out.String()
}
