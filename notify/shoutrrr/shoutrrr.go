// Package shoutrrr sends with github.com/nicholas-fedor/shoutrrr, in a process of its
// own: that library takes no context, has no time limit and connects by itself. The
// process is netmon again, started with the word [Word]; it is given one [Order],
// makes its connections through the [Gate] of its parent, and ends.
package shoutrrr

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// Word is the only argument of the process.
const Word = "__shoutrrr"

// Order is what the process is given, as JSON on its standard input.
type Order struct {
	URL    string `json:"url"` // the service's, with its secrets
	Text   string `json:"text"`
	Gate   string `json:"gate"`   // HOST:PORT of a [Gate]
	Ticket string `json:"ticket"` // what the gate asks for
}

// Outcome is what it writes to its standard output.
type Outcome struct {
	Error      string `json:"error,omitempty"`
	Unusable   bool   `json:"unusable,omitempty"` // the library cannot use the URL
	Status     int    `json:"status,omitempty"`   // of the last HTTP answer
	RetryAfter string `json:"retry_after,omitempty"`
}

// services are those that netmon has no kind for, and that connect as package http
// does by default, or take a client.
var services = []string{"bark", "googlechat", "ifttt", "join", "lark", "mattermost", "notifiarr", "pushbullet", "rocketchat", "signal", "wecom", "zulip"}

// Services lists the schemes of URLs.
func Services() []string { return slices.Clone(services) }

// Execute carries out one order. It changes what the whole process connects by.
func Execute(in io.Reader, out io.Writer) error {
	var o Order
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return err
	}
	client := &lastAnswer{next: &http.Transport{DialContext: o.dial, DisableKeepAlives: true}}
	http.DefaultTransport = client
	outcome := o.send(client)
	return json.NewEncoder(out).Encode(outcome)
}

func (o *Order) send(client *lastAnswer) (out Outcome) {
	defer func() { // zulip does where it cannot connect
		if p := recover(); p != nil {
			out = Outcome{Error: fmt.Sprintf("panic: %v", p), Status: client.status}
			if client.err != nil {
				out.Error = client.err.Error()
			}
		}
	}()
	u, err := url.Parse(o.URL)
	if err != nil || !slices.Contains(services, u.Scheme) {
		return Outcome{Unusable: true, Error: "want a URL of one of " + strings.Join(services, ", ")}
	}
	r, err := router.New(log.New(io.Discard, "", 0))
	if err != nil {
		return Outcome{Error: err.Error()}
	}
	service, err := r.Locate(o.URL)
	if err != nil {
		return Outcome{Unusable: true, Error: err.Error()}
	}
	if own, ok := service.(interface{ GetHTTPClient() *http.Client }); ok {
		own.GetHTTPClient().Transport = client
	}
	if err := service.Send(o.Text, &types.Params{}); err != nil {
		return Outcome{Error: err.Error(), Status: client.status, RetryAfter: client.retryAfter}
	}
	return Outcome{Status: client.status}
}

// lastAnswer notes what the last answer was, which errors of the library do not show.
type lastAnswer struct {
	next       http.RoundTripper
	status     int
	retryAfter string
	err        error
}

func (l *lastAnswer) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(req)
	l.status, l.retryAfter, l.err = 0, "", err
	if err != nil {
		return nil, err
	}
	l.status, l.retryAfter = resp.StatusCode, resp.Header.Get("Retry-After")
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

// maxAnswer bounds what the library reads of an answer, in bytes.
const maxAnswer = 1 << 20

// errRefused is what a gate does not let through.
var errRefused = errors.New("netmon's policy does not let it connect there")
