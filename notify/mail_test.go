package notify

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"strings"
	"testing"

	"netmon/wire"
)

// smtpScript is a server that answers each command as the script says, and what the
// script does not know with 250.
func smtpScript(t *testing.T, answers map[string]string) (address string, said func() []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	lines := make(chan string, 1000)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveSMTP(c, answers, lines)
		}
	}()
	return l.Addr().String(), func() (out []string) {
		for {
			select {
			case line := <-lines:
				out = append(out, line)
			default:
				return out
			}
		}
	}
}

func serveSMTP(c net.Conn, answers map[string]string, lines chan<- string) {
	defer c.Close()
	answer := func(what, usual string) bool {
		text, ok := answers[what]
		if !ok {
			text = usual
		}
		fmt.Fprintf(c, "%s\r\n", strings.ReplaceAll(text, "\n", "\r\n"))
		return text != "" && !strings.HasPrefix(text, "421")
	}
	if !answer("hello", "220 mx.test ESMTP") {
		return
	}
	in, data := bufio.NewScanner(c), false
	for in.Scan() {
		line := in.Text()
		lines <- line
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch {
		case data && line == ".":
			data = false
			if !answer("end", "250 taken") {
				return
			}
		case data:
		case verb == "EHLO":
			answer("EHLO", "250-mx.test\n250 AUTH PLAIN LOGIN XOAUTH2")
		case verb == "DATA":
			answer("DATA", "354 go on")
			data = answers["DATA"] == ""
		case strings.HasPrefix(verb, "RCPT"):
			answer(strings.ToLower(line[strings.Index(line, "<")+1:strings.Index(line, ">")]), "250 ok")
		case !answer(verb, "250 ok"):
			return
		}
	}
}

func TestMail_Faults(t *testing.T) {
	for name, tt := range map[string]struct {
		answers map[string]string
		want    string // "" is taken
		never   bool
	}{
		"taken":                         {nil, "", false},
		"greeting refuses for now":      {map[string]string{"hello": "421 too busy"}, "greeting: 421 too busy", false},
		"greeting refuses":              {map[string]string{"hello": "554 go away"}, "greeting: 554 go away", true},
		"sender refused":                {map[string]string{"MAIL": "550 not you"}, "MAIL FROM: 550 not you", true},
		"sender refused for now":        {map[string]string{"MAIL": "451 hm"}, "MAIL FROM: 451 hm", false},
		"every recipient refused":       {map[string]string{"a@x.test": "550 nobody", "b@x.test": "551 nobody"}, "a@x.test: RCPT TO: 550 nobody; b@x.test: RCPT TO: 551 nobody", true},
		"every recipient later":         {map[string]string{"a@x.test": "452 full", "b@x.test": "452 full"}, "2 of 2 recipients", false},
		"one refused, the other taken":  {map[string]string{"a@x.test": "550 nobody"}, "", false},
		"body refused":                  {map[string]string{"end": "552 too large"}, "after the mail: 552 too large", true},
		"body refused for now":          {map[string]string{"end": "451 disk"}, "after the mail: 451 disk", false},
		"breaks off after the body":     {map[string]string{"end": ""}, "after the mail: ", false},
		"data refused":                  {map[string]string{"DATA": "554 spam"}, "DATA: 554 spam", true},
		"answer with control":           {map[string]string{"MAIL": "550 \x1b[31mred\x00"}, "MAIL FROM: 550 ", true},
		"no login, though one is asked": {map[string]string{"EHLO": "250 mx.test"}, "does not offer a login", true},
		"login refused":                 {map[string]string{"AUTH": "535 no"}, "log in: 535 no", true},
		"login refused for now":         {map[string]string{"AUTH": "454 hm"}, "log in: 454 hm", false},
	} {
		t.Run(name, func(t *testing.T) {
			address, _ := smtpScript(t, addAuth(tt.answers))
			env := testEnv(t, map[string]string{"${env:PW}": "s3cret"})
			s := testSender(t, mailKind(), fmt.Sprintf(`{"to":"a@x.test, b@x.test","server":%q,"tls":"none","user":"netmon","password":"${env:PW}"}`, address))
			_, err := s.Send(t.Context(), env, testMessage(wire.ReasonOpened))
			var refusal *Refusal
			switch {
			case (err == nil) != (tt.want == ""), err != nil && !strings.Contains(err.Error(), tt.want):
				t.Errorf("%v, want %q", err, tt.want)
			case errors.As(err, &refusal) != tt.never:
				t.Errorf("%v: for good is %v, want %v", err, !tt.never, tt.never)
			case err != nil && strings.ContainsAny(err.Error(), "\x1b\x00"):
				t.Errorf("%q holds control characters", err)
			}
		})
	}
}

func addAuth(answers map[string]string) map[string]string {
	out := map[string]string{"AUTH": "235 welcome"}
	maps.Copy(out, answers)
	return out
}

// TestMail_XOAUTH2 gives the token as it is asked for.
func TestMail_XOAUTH2(t *testing.T) {
	address, said := smtpScript(t, addAuth(nil))
	env := testEnv(t, map[string]string{"${env:TOKEN}": "ya29.token"})
	s := testSender(t, mailKind(), fmt.Sprintf(`{"to":["a@x.test"],"server":%q,"tls":"none","user":"me@x.test","password":"${env:TOKEN}","auth":"xoauth2"}`, address))
	if _, err := s.Send(t.Context(), env, testMessage(wire.ReasonOpened)); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(said(), "\n")
	if want := "AUTH XOAUTH2 " + base64.StdEncoding.EncodeToString([]byte("user=me@x.test\x01auth=Bearer ya29.token\x01\x01")); !strings.Contains(all, want) {
		t.Errorf("no %q in %q", want, all)
	}
	if !strings.Contains(all, "MAIL FROM:<me@x.test>") || strings.Contains(all, "Bcc") {
		t.Errorf("said %q", all)
	}
}

// TestMail_TLS: nothing is sent unencrypted that nobody chose to send so.
func TestMail_TLS(t *testing.T) {
	address, said := smtpScript(t, nil)
	env := testEnv(t, map[string]string{"${env:PW}": "s3cret"})
	for _, settings := range []string{`{"to":"a@x.test","server":%q}`, `{"to":"a@x.test","server":%q,"user":"u","password":"${env:PW}"}`} {
		_, err := testSender(t, mailKind(), fmt.Sprintf(settings, address)).Send(t.Context(), env, testMessage(wire.ReasonOpened))
		if err == nil || !strings.Contains(err.Error(), "does not offer STARTTLS") {
			t.Errorf("%v, want it to miss STARTTLS", err)
		}
	}
	if all := strings.Join(said(), "\n"); strings.Contains(all, "MAIL") || strings.Contains(all, "AUTH") {
		t.Errorf("said %q", all)
	}
}

func TestMail_Validate(t *testing.T) {
	for settings, want := range map[string]string{
		`{}`: "to: want 1 to 100 addresses, got 0\nserver: is missing: want HOST:PORT such as smtp.example.org:587",
		`{"to":["ops","a@x.test","A <a@x.test>"],"server":"smtp"}`:                                                                    "to[0]: want an address such as ops@example.org, got \"ops\"\nto[2]: \"a@x.test\" is listed twice\nserver: want HOST:PORT such as smtp.example.org:587, got \"smtp\"",
		`{"to":"a@x.test","server":"mx.test:25","user":"u"}`:                                                                          "user: want user and password, or neither",
		`{"to":"a@x.test","server":"mx.test:25","tls":"none","user":"u","password":"${env:P}"}`:                                       "tls: a password is not sent without TLS: want starttls or tls, got \"none\"",
		`{"to":"a@x.test","server":"mx.test:25","tls":"maybe","auth":"ntlm","hello":"a b"}`:                                           "tls: want one of starttls, tls, none, got \"maybe\"\nauth: want one of auto, plain, login, xoauth2, cram-md5, scram-sha-256, got \"ntlm\"\nhello: want the name of a host, got \"a b\"",
		`{"to":"a@x.test","server":"mx.test:25","user":"u","password":"hunter2"}`:                                                     "password: want a reference, ${env:NAME} or ${file:PATH}, not the secret itself",
		`{"to":"a@x.test\r\nBcc: b@x.test","server":"mx.test:25","from":"x@y\r\nSubject: z"}`:                                         "to[0]: want an address such as ops@example.org, got \"a@x.test\\r\\nBcc: b@x.test\"\nfrom: want an address such as ops@example.org, got \"x@y\\r\\nSubject: z\"",
		`{"to":"a@x.test","server":"mx.test:25","from":"Ops <ops@x.test>","tls":"tls","user":"u","password":"${file:/etc/netmon/p}"}`: "",
	} {
		_, err := mailKind().New([]byte(settings))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", settings, got, want)
		}
	}
}

// TestMail_Text: what is in banners and names is inert in HTML, and the headers hold
// nothing that a name put there.
func TestMail_Text(t *testing.T) {
	s := testSender(t, mailKind(), `{"to":"a@x.test","server":"mx.test:25"}`).(*Mail)
	m := testMessage(wire.ReasonOpened)
	m.Title = "DOWN: x\r\nBcc: evil@x.test\r\n\r\n<script>"
	m.Head, m.Members = []string{"web & <b>api</b>", "https://status.test/i/1"}, []string{`<img src=x onerror="alert(1)">`}
	m.Link = "https://status.test/i/1"
	text, err := s.compose(m, "k@x.test", "first@x.test")
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(text), "\r\n\r\n")
	if strings.Contains(head, "\nBcc:") || !strings.Contains(head, "Message-ID: <k@x.test>") || !strings.Contains(head, "References: <first@x.test>") || !strings.Contains(head, `From: "netmon" <netmon@x.test>`) {
		t.Errorf("head %q", head)
	}
	html := mailHTML(m)
	if strings.Contains(html, "<script") || strings.Contains(html, "<img") || strings.Contains(html, "<b>api") || !strings.Contains(html, `<a href="https://status.test/i/1">`) {
		t.Errorf("HTML %q", html)
	}
}
