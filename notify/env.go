package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"netmon/notify/policy"
)

// Env is what a Sender may use of its host. Nothing else reaches the network or reads
// secrets: both go by the notifier's policy. It is for one Send.
type Env struct {
	HTTP    *http.Client // follows no redirects, bounds time, dials by the policy
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Secret  func(reference string, to Destination) (string, error) // reads ${env:NAME} or ${file:PATH}, which is sent to a place
	Exec    string                                                 // the folder that exec may run programs of; "" is none
	Host    string                                                 // this notifier's
	Version string                                                 // netmon's

	known []string // secrets that were read, to be kept out of errors and answers
}

// Reveal replaces the references in a text by what they stand for, which is sent to a
// place and nowhere else: afterwards this Env dials nothing else.
func (e *Env) Reveal(text string, to Destination) (string, error) {
	var failed error
	out := inText.ReplaceAllStringFunc(text, func(ref string) string {
		v, err := e.Secret(ref, to)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("secret %s: %w", ref, err))
		}
		e.keepOut(v)
		return v
	})
	return out, failed
}

// For is [Env.Reveal] of a Text or Secret that is sent to where a URL leads.
func For[T ~string](e *Env, text T, u *url.URL) (string, error) {
	to, err := policy.DestinationOf(u)
	if err != nil {
		return "", err
	}
	return e.Reveal(string(text), to)
}

// URL resolves a URL in which references are: after its host, or as all of it. What a
// reference stands for is text as it is, escaped where that is necessary by who wrote it.
func (e *Env) URL(text Text) (*url.URL, error) {
	s := string(text)
	if wholeReference(s) {
		v, err := e.Secret(s, Destination{}) // to where itself says, which is asked below
		if err != nil {
			return nil, fmt.Errorf("secret %s: %w", s, err)
		}
		e.keepOut(v)
		u, err := url.Parse(v)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("secret %s: want an http or https URL", s)
		}
		e.keepURLOut(u, "")
		to, err := policy.DestinationOf(u)
		if err != nil {
			return nil, fmt.Errorf("secret %s: want a URL with a host, and a port of 1 to 65535", s) // which quotes nothing of it
		}
		_, err = e.Secret(s, to)
		return u, err
	}
	to, err := policy.ParseDestination(inText.ReplaceAllString(s, "x"))
	if err != nil {
		return nil, err
	}
	v, err := e.Reveal(s, to)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(v)
	if err != nil {
		return nil, errors.New("with its secrets it is not a URL")
	}
	if now, err := policy.DestinationOf(u); err != nil || now != to {
		return nil, errors.New("with its secrets the URL goes to another host")
	}
	if v != s {
		e.keepURLOut(u, text)
	}
	return u, nil
}
