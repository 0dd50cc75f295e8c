package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/notify/shoutrrr"
	"netmon/wire"
)

// TestMain is the process that the kind shoutrrr starts, too, as netmon is.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == shoutrrr.Word {
		if err := shoutrrr.Execute(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestShoutrrr_EveryServiceConnectsByTheGate: each of the services asks the gate for its
// address, so that the policy sees it, and reaches nothing by itself.
func TestShoutrrr_EveryServiceConnectsByTheGate(t *testing.T) {
	urls := map[string]struct{ url, to string }{
		"bark":       {"bark://:${env:K}@bark.example.org/", "bark.example.org:443"},
		"googlechat": {"googlechat://chat.googleapis.com/v1/spaces/FOO/messages?key=bar&token=${env:K}", "chat.googleapis.com:443"},
		"ifttt":      {"ifttt://${env:K}/?events=netmon", "maker.ifttt.com:443"},
		"join":       {"join://shoutrrr:${env:K}@join/?devices=d1", "joinjoaomgcd.appspot.com:443"},
		"lark":       {"lark://open.larksuite.com/${env:K}", "open.larksuite.com:443"},
		"mattermost": {"mattermost://chat.example.org/${env:K}", "chat.example.org:443"},
		"notifiarr":  {"notifiarr://${env:K}?channel=123456789012345678", "notifiarr.com:443"},
		"pushbullet": {"pushbullet://${env:K}", "api.pushbullet.com:443"},
		"rocketchat": {"rocketchat://rocket.example.org/${env:K}/2XYQcX9NBwJBKfQnphpebPcnXZcPEi32Nt4NKJfrnbhsbRfX", "rocket.example.org:443"},
		"signal":     {"signal://signal.example.org:8443/+1234567890/+0987654321?token=${env:K}", "signal.example.org:8443"},
		"wecom":      {"wecom://${env:K}", "qyapi.weixin.qq.com:443"},
		"zulip":      {"zulip://bot%40example.org:${env:K}@zulip.example.org?stream=ops&topic=netmon", "zulip.example.org:443"},
	}
	key := "0123456789abcdef0123456789abcdef01"
	for _, service := range shoutrrr.Services() {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			u, ok := urls[service]
			if !ok {
				t.Fatal("this test has no URL of it")
			}
			var mu sync.Mutex
			var dialled []string
			env := testEnv(t, map[string]string{"${env:K}": key})
			env.Dial = func(_ context.Context, network, address string) (net.Conn, error) {
				mu.Lock()
				defer mu.Unlock()
				dialled = append(dialled, network+" "+address)
				return nil, errors.New("not in this test")
			}
			s := testSender(t, shoutrrrKind(), fmt.Sprintf(`{"url": %q, "to": %q}`, u.url, u.to))
			_, err := s.Send(t.Context(), env, story(wire.ReasonOpened))
			wantOutcome(t, service, err, false, 0)
			if err == nil || !strings.Contains(err.Error(), "not in this test") || strings.Contains(err.Error(), key) {
				t.Errorf("the error is %v: want why it was not connected, without the secret", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if !slices.Contains(dialled, "tcp "+u.to) {
				t.Errorf("it dialled %q, want %s", dialled, u.to)
			}

			other := testSender(t, shoutrrrKind(), fmt.Sprintf(`{"url": %q, "to": "elsewhere.example.org:443"}`, u.url))
			dialled = nil
			mu.Unlock()
			_, err = other.Send(t.Context(), env, story(wire.ReasonOpened))
			mu.Lock()
			if err == nil || !strings.Contains(err.Error(), "it connects to") || len(dialled) != 0 {
				t.Errorf("with another to it dialled %q, %v: want nothing", dialled, err)
			}
		})
	}
}

// shoutrrrTo sends by Mattermost, whose server is a receiver.
func shoutrrrTo(t *testing.T, ctx context.Context, m *Message, answer http.HandlerFunc) (Receipt, []request, error) {
	t.Helper()
	r := receive(t, answer)
	t.Cleanup(r.CloseClientConnections)
	host := strings.TrimPrefix(r.URL, "http://")
	s := testSender(t, shoutrrrKind(), fmt.Sprintf(`{"url": "mattermost://%s/${env:K}?disabletls=yes", "to": %q}`, host, host))
	receipt, err := s.Send(ctx, testEnv(t, map[string]string{"${env:K}": "k3y"}), m)
	return receipt, r.requests(), err
}

func TestShoutrrr_Send(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // neither asked
	t.Setenv("NETMON_SECRET_X", "x")
	m := story(wire.ReasonOpened)
	m.Head[0] = hostile
	receipt, got, err := shoutrrrTo(t, t.Context(), m, reply(200, "ok"))
	if err != nil || len(got) != 1 || got[0].URI != "/hooks/k3y" || receipt.Answer != "200 OK" {
		t.Fatalf("%+v, %d requests, %v", receipt, len(got), err)
	}
	text := jsonField("text")(t, &got[0])
	for _, no := range []string{"<!channel>", "@everyone", "](http"} {
		if strings.Contains(text, no) {
			t.Errorf("%s stands in %q", no, text)
		}
	}
	if want := m.Title + "\n" + hostile; !strings.HasPrefix(strings.ReplaceAll(text, "\u200b", ""), want) {
		t.Errorf("people see %q, want %q first", text, want)
	}
	golden(t, "shoutrrr/hostile.txt", got[0].dump())
}

func TestShoutrrr_Faults(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answer  http.HandlerFunc
		refused bool
		after   time.Duration
	}{
		{"404", reply(404, "no such hook"), true, 0},
		{"500", reply(500, ""), false, 0},
		{"429 with Retry-After", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "9")
			w.WriteHeader(429)
		}, false, 9 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := shoutrrrTo(t, t.Context(), story(wire.ReasonOpened), tt.answer)
			wantOutcome(t, tt.name, err, tt.refused, tt.after)
		})
	}
	t.Run("an answer that never comes", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, _, err := shoutrrrTo(t, ctx, story(wire.ReasonOpened), func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		wantOutcome(t, "silence", err, false, 0)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it ends with %v, want its deadline", err)
		}
	})
	s := testSender(t, shoutrrrKind(), `{"url": "${env:K}", "to": "example.org:443"}`)
	for _, url := range []string{"telegram://token@telegram?channels=x", "zulip://", "%", "https://x", "mattermost://\x00"} {
		t.Run("a URL that the library cannot use", func(t *testing.T) {
			t.Parallel()
			_, err := s.Send(t.Context(), testEnv(t, map[string]string{"${env:K}": url}), story(wire.ReasonOpened))
			wantOutcome(t, url, err, true, 0)
		})
	}
}
