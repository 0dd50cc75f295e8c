package icinga

import "strconv"

func httpCommand() checkCommand {
	return checkCommand{
		plugin: "check_http", prefix: "http_",
		values: map[string]string{
			"-H": "vhost", "-I": "address", "-u": "uri", "-p": "port", "-a": "auth_pair", "-b": "proxy_auth_pair",
			"-C": "certificate", "-J": "clientcert", "-K": "privatekey", "-P": "post", "-j": "method", "-T": "contenttype",
			"-A": "useragent", "-k": "header", "-M": "maxage", "-f": "onredirect", "-e": "expect", "-d": "headerstring",
			"-s": "string", "-r": "expect_body_regex", "-R": "expect_body_eregi", "-m": "pagesize",
			"-w": "warn_time", "-c": "critical_time", "-t": "timeout",
		},
		switches: map[string]string{
			"-S": "ssl", "-S1": "ssl_force_tlsv1", "-S1.1": "ssl_force_tlsv1_1", "-S1.2": "ssl_force_tlsv1_2",
			"-S2": "ssl_force_sslv2", "-S3": "ssl_force_sslv3",
			"-S1+": "ssl_force_tlsv1_or_higher", "-S1.1+": "ssl_force_tlsv1_1_or_higher", "-S1.2+": "ssl_force_tlsv1_2_or_higher",
			"-S2+": "ssl_force_sslv2_or_higher", "-S3+": "ssl_force_sslv3_or_higher",
			"--sni": "sni", "--verify-host": "verify_host", "--continue-after-certificate": "certificate_continue",
			"-N": "ignore_body", "-l": "linespan", "--invert-regex": "invertregex",
			"-E": "extendedperfdata", "-L": "link", "-v": "verbose", "-4": "ipv4", "-6": "ipv6",
		},
	}
}

func curlCommand() checkCommand {
	return checkCommand{
		plugin: "check_curl", prefix: "curl_",
		values: map[string]string{
			"-H": "vhost", "-I": "ip", "-u": "url", "-p": "port", "-a": "authorization", "-b": "proxy_authorization",
			"-C": "certificate_valid_days_min_warning", "-J": "client_certificate_file", "-K": "client_certificate_key_file",
			"--ca-cert": "ca_cert_file", "-P": "post_data", "-j": "http_method", "-T": "content_type", "-A": "user_agent",
			"-k": "header", "-M": "max_age", "-f": "onredirect", "--max-redirs": "max_redirs", "--http-version": "http_version",
			"--cookie-jar": "cookie_jar_file", "-e": "expect_string", "-d": "expect_header_string", "-s": "expect_content_string",
			"-r": "ereg", "-R": "eregi", "--state-regex": "state_regex", "-m": "pagesize",
			"-w": "warning", "-c": "critical", "-t": "timeout",
		},
		switches: map[string]string{
			"-S": "tls", "--sni": "sni", "-D": "verify_peer_cert", "--continue-after-certificate": "continue_after_certificate",
			"-N": "no_body", "-l": "linespan", "--invert-regex": "invert_regex",
			"--enable-automatic-decompression": "enable_automatic_decompression", "--haproxy-protocol": "haproxy_protocol",
			"-E": "extended_perfdata", "-B": "show_body", "-L": "link", "-4": "ipv4", "-6": "ipv6",
		},
		forms: map[string]string{
			"-C both": "$curl_certificate_valid_days_min_warning$,$curl_certificate_valid_days_min_critical$",
		},
		attached: map[string]string{"-S": "tls_version"},
		defaults: map[string]string{"ip": "$check_address$"},
	}
}

// streamCommand is one of check_tcp under its names. days, warn and crit are the variables
// of the certificate and of the two thresholds of time, which have other names for mail.
func streamCommand(name, days, warn, crit string) checkCommand {
	c := checkCommand{
		plugin: "check_" + name, prefix: name + "_",
		values: map[string]string{
			"-H": "address", "-p": "port", "-s": "send", "-e": "expect", "-q": "quit", "-r": "refuse", "-M": "mismatch",
			"-m": "maxbytes", "-d": "delay", "-D": days, "-w": warn, "-c": crit, "-t": "timeout",
		},
		switches: map[string]string{"-S": "ssl", "-A": "all", "-j": "jail", "-4": "ipv4", "-6": "ipv6"},
		order:    map[string]float64{},
	}
	if name == "tcp" {
		c.values["--sni"] = "sni"
	}
	return c
}

func udpCommand() checkCommand {
	return checkCommand{
		plugin: "check_udp", prefix: "udp_",
		values:   map[string]string{"-H": "address", "-p": "port", "-s": "send", "-e": "expect", "-q": "quit"},
		switches: map[string]string{"-4": "ipv4", "-6": "ipv6"},
	}
}

func sslCommand() checkCommand {
	return checkCommand{
		plugin: "check_tcp --ssl", prefix: "ssl_",
		values:   map[string]string{"-H": "address", "-p": "port", "-D": "cert_valid_days_warn", "--sni": "sni", "-t": "timeout"},
		forms:    map[string]string{"-D both": "$ssl_cert_valid_days_warn$,$ssl_cert_valid_days_critical$"},
		defaults: map[string]string{"port": "443"},
	}
}

func dnsCommand() checkCommand {
	return checkCommand{
		plugin: "check_dns", prefix: "dns_",
		values: map[string]string{
			"-H": "lookup", "-s": "server", "-q": "query_type", "-a": "expected_answers", "-w": "wtime", "-c": "ctime", "-t": "timeout",
		},
		switches: map[string]string{"-L": "all_expected", "-A": "authoritative"},
		ignored:  []string{"accept_cname"}, // netmon takes such answers
		defaults: map[string]string{"lookup": "$host.name$", "timeout": "10"},
	}
}

func digCommand() checkCommand {
	return checkCommand{
		plugin: "check_dig", prefix: "dig_",
		values: map[string]string{
			"-H": "server", "-p": "port", "-l": "lookup", "-T": "record_type", "-a": "expected_address", "-A": "arguments",
			"-w": "warning", "-c": "critical", "-t": "timeout",
		},
		switches: map[string]string{"-4": "ipv4", "-6": "ipv6"},
		defaults: map[string]string{"server": "$check_address$"},
	}
}

func ntpCommand() checkCommand {
	return checkCommand{
		plugin: "check_ntp_time", prefix: "ntp_",
		values: map[string]string{
			"-H": "address", "-p": "port", "-o": "timeoffset", "-w": "warning", "-c": "critical", "-t": "timeout",
		},
		switches: map[string]string{"-q": "quiet", "-4": "ipv4", "-6": "ipv6"},
	}
}

func sshCommand() checkCommand {
	return checkCommand{
		plugin: "check_ssh", prefix: "ssh_",
		values: map[string]string{
			"-H": "address", "-p": "port", "-r": "remote_version", "-P": "remote_protocol", "-t": "timeout",
		},
		switches: map[string]string{"-4": "ipv4", "-6": "ipv6"},
	}
}

func smtpCommand() checkCommand {
	return checkCommand{
		plugin: "check_smtp", prefix: "smtp_",
		values: map[string]string{
			"-H": "address", "-p": "port", "-F": "helo_fqdn", "-f": "mail_from", "-e": "expect", "-C": "command", "-R": "response",
			"-D": "certificate_age", "-A": "authtype", "-U": "authuser", "-P": "authpass",
			"-w": "warning", "-c": "critical", "-t": "timeout",
		},
		switches: map[string]string{"-S": "starttls", "-q": "ignore_quit", "-4": "ipv4", "-6": "ipv6"},
	}
}

func icmpCommand() checkCommand {
	return checkCommand{
		plugin: "check_icmp", prefix: "icmp_",
		values: map[string]string{
			"-H": "address", "-s": "source", "-n": "packets", "-i": "packet_interval", "-I": "target_interval",
			"-m": "hosts_alive", "-b": "data_bytes", "-l": "ttl", "-t": "timeout",
		},
		forms:    thresholds("icmp_"),
		defaults: losses("$address$", 100, 10, 200, 30),
	}
}

func pingCommand(family, address string, wrta, wpl, crta, cpl int) checkCommand {
	return checkCommand{
		plugin: "check_ping" + family, prefix: "ping_",
		values:   map[string]string{"-H": "address", "-p": "packets", "-t": "timeout"},
		forms:    thresholds("ping_"),
		defaults: losses(address, wrta, wpl, crta, cpl),
	}
}

func fpingCommand(family, address string) checkCommand {
	c := checkCommand{
		plugin: "check_fping" + family, prefix: "fping_",
		values: map[string]string{
			"-H": "address", "-n": "number", "-i": "interval", "-b": "bytes", "-T": "target_timeout", "-S": "source_ip", "-I": "source_interface",
		},
		forms:    thresholds("fping_"),
		defaults: losses(address, 100, 5, 200, 15),
	}
	c.defaults["number"], c.defaults["interval"] = "5", "500"
	return c
}

// thresholds are the two of round trip, milliseconds, and loss, percent.
func thresholds(prefix string) map[string]string {
	return map[string]string{
		"-w": "$" + prefix + "wrta$,$" + prefix + "wpl$%",
		"-c": "$" + prefix + "crta$,$" + prefix + "cpl$%",
	}
}

func losses(address string, wrta, wpl, crta, cpl int) map[string]string {
	return map[string]string{
		"address": address,
		"wrta":    strconv.Itoa(wrta), "wpl": strconv.Itoa(wpl), "crta": strconv.Itoa(crta), "cpl": strconv.Itoa(cpl),
	}
}
