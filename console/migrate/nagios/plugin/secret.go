package plugin

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"netmon/console/migrate"
)

// Secret is a value that its own place calls one, such as $USER3$ of resource.cfg.
type Secret struct{ From, Value string }

// errSecret says that a command line cannot become a monitor: those, and the arguments of
// programs, are seen by others.
func errSecret(where string) error {
	return fmt.Errorf("%s is, or looks like, a secret in plain text: put that into a file that the plugin reads (--extra-opts of the Monitoring Plugins), and write the monitor by hand", where)
}

// shown is the first of these secrets that is in what a monitor measures. Paths are none.
func shown(m *migrate.Monitor, secrets []Secret) (Secret, bool) {
	for _, s := range secrets {
		escaped, err := json.Marshal(s.Value)
		if err != nil || len(s.Value) <= 3 || s.Value[0] == '/' {
			continue
		}
		if strings.Contains(m.Target, s.Value) || strings.Contains(string(m.Options), strings.Trim(string(escaped), `"`)) {
			return s, true
		}
	}
	return Secret{}, false
}

// secretOptions are the options of well-known plugins that take a secret, by one letter.
// Those with names are known by these.
func secretOptions(name string) string {
	switch name {
	case "check_mysql", "check_mysql_query", "check_mysql_health", "check_pgsql", "check_radius", "check_disk_smb",
		"check_mongodb", "check_mongodb.py", "check_rabbitmq_server", "check_rabbitmq_queue", "check_rabbitmq_overview",
		"check_wmi_plus.pl", "check_vmware_esx", "check_vmware_esx.pl", "check_esxi_hardware.py":
		return "p"
	case "check_ldap", "check_ldaps", "check_smtp", "check_ipmi_sensor", "check_elasticsearch", "check_imap_receive":
		return "P"
	case "check_http", "check_curl":
		return "ab"
	case "check_nt":
		return "s"
	case "check_hpjd", "check_ifstatus", "check_ifoperstatus", "check_breeze", "check_wave", "check_mrtgtraf":
		return "C"
	case "check_redis", "check_redis.pl":
		return "xa"
	case "curl":
		return "uU"
	}
	if strings.HasPrefix(name, "check_snmp") {
		return "CAX"
	}
	return ""
}

// telling is what may be in the value of an option, or in a word of its own, that has a
// secret behind it: password=, "token":, Authorization: Bearer.
var telling = regexp.MustCompile(`(?i)["']?([a-z_-]*(api[_-]?key|token|secret|passw(or)?d|pwd)|pass|authorization|x-[a-z-]*(key|token|auth)|cookie)["']?\s*[:=]\s*["']?[^\s"']`)

// exposes is the option of a command line that has a secret, most likely, and "" where none
// has.
func exposes(argv []string) string {
	name := strings.TrimSuffix(path.Base(argv[0]), ".exe")
	letters := secretOptions(name)
	user := slices.ContainsFunc(argv, func(a string) bool {
		return strings.HasPrefix(a, "-u") || strings.HasPrefix(a, "-U") || strings.HasPrefix(a, "--user") || strings.HasPrefix(a, "-l") || strings.HasPrefix(a, "--login")
	})
	for i := 1; i < len(argv); i++ {
		arg, next := argv[i], ""
		if i+1 < len(argv) {
			next = argv[i+1]
		}
		switch {
		case strings.HasPrefix(arg, "--"):
			option, value, has := strings.Cut(arg, "=")
			if !has {
				value = next
			}
			if secretName(option) && (has || next != "" && next[0] != '-') && !harmless(value) {
				return option
			}
		case len(arg) > 1 && arg[0] == '-':
			value := arg[2:]
			if value == "" {
				value = next
			}
			known := strings.IndexByte(letters, arg[1]) >= 0
			guess := letters == "" && user && (arg[1] == 'p' || arg[1] == 'P') && readers()[name].read == nil
			if (known || guess) && !harmless(value) {
				return arg[:2]
			}
		}
		sent := strings.HasPrefix(arg, "-s") || strings.HasPrefix(arg, "--send=") || argv[i-1] == "-s" || argv[i-1] == "--send"
		if tells(arg) || sent && speaks(arg) {
			if i > 1 && strings.HasPrefix(argv[i-1], "-") && arg[0] != '-' {
				return argv[i-1]
			}
			option, _, _ := strings.Cut(arg, "=")
			if arg[0] != '-' {
				option = "an argument"
			}
			return option
		}
	}
	return ""
}

// tells says whether a word has a secret in it that can be told from what is before it.
func tells(word string) bool {
	return telling.MatchString(word) || migrate.Redact(word) != word
}

// speaks says whether what is sent in a dialogue has a secret in it.
func speaks(sent string) bool {
	m := migrate.Monitor{}
	m.Name = "a"
	return strings.Contains(m.Sent(sent), "${env:NETMON_SECRET_")
}

// secretName says whether a long option takes a secret. Some name a file that has it.
func secretName(option string) bool {
	name := strings.TrimLeft(option, "-")
	if strings.Contains(name, "file") || strings.Contains(name, "path") || strings.HasPrefix(name, "private-key") {
		return false
	}
	for _, word := range []string{"community", "authpass", "privpass", "password", "passwd", "secret", "token"} {
		if strings.Contains(strings.ToLower(name), word) {
			return true
		}
	}
	return name != "authtype" && name != "key" && migrate.LooksSecret(name)
}

// harmless says whether a value is no secret, whatever option it is of: a number, a path, what
// a plugin looks up itself, or the community that everybody knows.
func harmless(value string) bool {
	if _, err := strconv.ParseUint(value, 10, 16); err == nil {
		return true
	}
	return value == "" || value == "public" || strings.HasPrefix(value, "/")
}
