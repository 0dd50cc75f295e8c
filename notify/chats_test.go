package notify

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// sendWith sends one message of a service to a receiver that answers so.
func sendWith(t *testing.T, name string, m *Message, answer http.HandlerFunc) (Receipt, []request, error) {
	t.Helper()
	s := services()[name]
	r := receive(t, answer)
	receipt, err := s.sender(t, r.URL).Send(t.Context(), testEnv(t, s.secrets), m)
	return receipt, r.requests(), err
}

// wantOutcome fails unless the error is a refusal, or says after how long to ask again.
func wantOutcome(t *testing.T, what string, err error, refused bool, after time.Duration) {
	t.Helper()
	var refusal *Refusal
	var later *Later
	if err == nil || errors.As(err, &refusal) != refused || errors.As(err, &later) != (after > 0) || later != nil && later.After != after {
		t.Errorf("%s: got %v (%T), want refused %v, asked again after %v", what, err, err, refused, after)
	}
}

func TestSlack_OKFalse(t *testing.T) {
	for what, refused := range map[string]bool{
		"channel_not_found": true, "invalid_auth": true, "not_in_channel": true, "is_archived": true, "invalid_blocks": true,
		"ratelimited": false, "internal_error": false, "service_unavailable": false, "fatal_error": false,
	} {
		_, _, err := sendWith(t, "slack-bot", story(wire.ReasonOpened), reply(200, `{"ok":false,"error":"`+what+`"}`))
		wantOutcome(t, what, err, refused, 0)
		if err != nil && !strings.Contains(err.Error(), what) {
			t.Errorf("the error does not tell %s: %v", what, err)
		}
	}
}

func TestSlack_ThreadThatWasDeletedBeginsAnother(t *testing.T) {
	m := story(wire.ReasonResolved)
	m.Thread = "1.2"
	receipt, got, err := sendWith(t, "slack-bot", m, func(w http.ResponseWriter, r *http.Request) {
		var p slackPost
		req := request{Body: readAll(r)}
		req.json(t, &p)
		if p.Thread != "" {
			reply(200, `{"ok":false,"error":"thread_not_found"}`)(w, r)
			return
		}
		reply(200, `{"ok":true,"ts":"9.9"}`)(w, r)
	})
	if err != nil || len(got) != 2 || receipt.Thread != "9.9" {
		t.Errorf("%d requests, receipt %+v, %v: want a second one, and its thread", len(got), receipt, err)
	}
}

func TestSlack_ChannelSeesTheEnd(t *testing.T) {
	for reason, want := range map[wire.Reason]bool{wire.ReasonChanged: false, wire.ReasonAcknowledged: false, wire.ReasonEscalated: true, wire.ReasonResolved: true} {
		m := story(reason)
		m.Thread = "1.2"
		_, got, err := sendWith(t, "slack-bot", m, reply(200, `{"ok":true,"ts":"2.2"}`))
		if err != nil {
			t.Fatal(err)
		}
		var p slackPost
		got[0].json(t, &p)
		if p.Broadcast != want || p.Thread != "1.2" {
			t.Errorf("%s: broadcast %v in thread %q, want %v in 1.2", reason, p.Broadcast, p.Thread, want)
		}
	}
}

func TestDiscord_ForumThread(t *testing.T) {
	m := story(wire.ReasonChanged)
	m.Thread = "900"
	gone := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("thread_id") != "" {
			reply(404, `{"message":"Unknown Channel","code":10003}`)(w, r)
			return
		}
		reply(200, `{"id":"78","channel_id":"901"}`)(w, r)
	}
	receipt, got, err := sendWith(t, "discord-forum", m, gone)
	if err != nil || len(got) != 2 || receipt.Thread != "901" {
		t.Errorf("%d requests, receipt %+v, %v: want another thread where the first was deleted", len(got), receipt, err)
	}
	_, got, err = sendWith(t, "discord-forum", m, reply(404, `{"message":"Unknown Webhook","code":10015}`))
	wantOutcome(t, "a webhook that was deleted", err, true, 0)
	if len(got) != 1 {
		t.Errorf("%d requests to a webhook that was deleted, want 1", len(got))
	}
}

func TestTelegram_Answers(t *testing.T) {
	_, _, err := sendWith(t, "telegram", story(wire.ReasonOpened), reply(429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 13","parameters":{"retry_after":13}}`))
	wantOutcome(t, "429", err, false, 13*time.Second)
	_, _, err = sendWith(t, "telegram", story(wire.ReasonOpened), reply(403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked"}`))
	wantOutcome(t, "403", err, true, 0)
	_, _, err = sendWith(t, "telegram", story(wire.ReasonOpened), reply(200, `{"ok":false,"description":"no"}`))
	wantOutcome(t, "ok: false", err, true, 0)
	_, _, err = sendWith(t, "telegram", story(wire.ReasonOpened), reply(400, `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded","parameters":{"migrate_to_chat_id":-100999}}`))
	wantOutcome(t, "a chat that moved", err, true, 0)
	if !strings.Contains(err.Error(), "the chat is -100999 now: write that as chat") {
		t.Errorf("it does not tell where the chat went: %v", err)
	}
}

func TestTelegram_SilentButForWhatIsDown(t *testing.T) {
	for reason, want := range map[wire.Reason]bool{wire.ReasonOpened: false, wire.ReasonChanged: true, wire.ReasonResolved: true} {
		_, got, err := sendWith(t, "telegram", story(reason), reply(200, `{"ok":true,"result":{"message_id":1}}`))
		if err != nil {
			t.Fatal(err)
		}
		var p telegramPost
		got[0].json(t, &p)
		if p.Silent != want {
			t.Errorf("%s: silent %v, want %v", reason, p.Silent, want)
		}
	}
}

func TestTeams_ConnectorBehindAReference(t *testing.T) {
	s := testSender(t, teamsKind(), `{"url": "${env:TEAMS}"}`)
	_, err := s.Send(t.Context(), testEnv(t, map[string]string{"${env:TEAMS}": "https://acme.webhook.office.com/webhookb2/1"}), story(wire.ReasonOpened))
	wantOutcome(t, "a retired connector", err, true, 0)
}

func TestMatrix_SaysWhenToAskAgain(t *testing.T) {
	_, _, err := sendWith(t, "matrix", story(wire.ReasonOpened), reply(429, `{"errcode":"M_LIMIT_EXCEEDED","error":"Too many requests","retry_after_ms":2500}`))
	wantOutcome(t, "429", err, false, 2500*time.Millisecond)
	_, _, err = sendWith(t, "matrix", story(wire.ReasonOpened), reply(403, `{"errcode":"M_FORBIDDEN","error":"not in room","retry_after_ms":1}`))
	wantOutcome(t, "403", err, true, 0)
}

// TestMatrix_SameKeySameTransaction: what comes twice is one event.
func TestMatrix_SameKeySameTransaction(t *testing.T) {
	_, first, _ := sendWith(t, "matrix", story(wire.ReasonOpened), reply(503, ""))
	_, second, _ := sendWith(t, "matrix", story(wire.ReasonOpened), reply(200, `{"event_id":"$1"}`))
	_, other, _ := sendWith(t, "matrix", story(wire.ReasonChanged), reply(200, `{"event_id":"$2"}`))
	if first[0].URI != second[0].URI || first[0].URI == other[0].URI {
		t.Errorf("transactions %s, %s and %s: want the first two the same", first[0].URI, second[0].URI, other[0].URI)
	}
}
