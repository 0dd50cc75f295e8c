package main

import "testing"

func TestWithoutSecrets(t *testing.T) {
	for in, want := range map[string]string{
		"nats://127.0.0.1:4222":                         "nats://127.0.0.1:4222",
		"nats://ana:s3cr@t@h:1,tls://token@g:2,plain:3": "nats://h:1,tls://g:2,plain:3",
		"ana:x@h:1": "h:1",
	} {
		if got := withoutSecrets(in); got != want {
			t.Errorf("withoutSecrets(%q) = %q, want %q", in, got, want)
		}
	}
}
