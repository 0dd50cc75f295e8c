package kuma

import "slices"

// shown are fields that each monitor has, and that change nothing that is measured: they are
// for notices, for what Kuma shows, and for its database.
func shown() []string {
	return []string{
		"id", "description", "path", "pathName", "parent", "childrenIDs", "weight", "maintenance", "includeSensitiveData", "user_id",
		"resendInterval", "notificationIDList", "retryInterval", "dns_last_result", "screenshot", "saveResponse", "saveErrorResponse", "responseMaxLength",
	}
}

// byType are the fields that count for some types alone. Each monitor has all of them, those
// of other types with what is usual or with what its type was before.
func byType() map[string][]string {
	web := []string{
		"url", "method", "body", "headers", "httpBodyEncoding", "expiryNotification", "ignoreTls", "maxredirects", "accepted_statuscodes",
		"authMethod", "proxyId", "cacheBust",
	}
	host := []string{"hostname", "port"}
	return map[string][]string{
		"http":              web,
		"keyword":           slices.Concat(web, []string{"keyword", "invertKeyword"}),
		"json-query":        slices.Concat(web, []string{"expectedValue", "jsonPath", "jsonPathOperator"}),
		"real-browser":      web,
		"port":              host,
		"smtp":              slices.Concat(host, []string{"smtpSecurity"}),
		"ping":              {"hostname", "packetSize", "ping_count", "ping_per_request_timeout"},
		"dns":               slices.Concat(host, []string{"dns_resolve_type", "dns_resolve_server"}),
		"ntp":               slices.Concat(host, []string{"ntpStratumThreshold", "ntpTimeOffsetThreshold", "ntpRootDispersionThreshold"}),
		"sip-options":       host,
		"websocket-upgrade": {"url", "wsSubprotocol", "wsIgnoreSecWebsocketAcceptHeader"},
		// of types that are not carried, and what counts for one way to log in alone
		"": {
			"basic_auth_user", "basic_auth_pass", "bearer_token", "authWorkstation", "authDomain", "tlsCa", "tlsCert", "tlsKey",
			"oauth_client_id", "oauth_client_secret", "oauth_token_url", "oauth_scopes", "oauth_audience", "oauth_auth_method",
			"docker_container", "docker_host", "databaseConnectionString", "databaseQuery", "mqttTopic", "mqttSuccessMessage", "mqttUsername",
			"mqttPassword", "mqttCheckType", "mqttWebsocketPath", "pushToken", "location", "protocol", "subtype", "grpcUrl", "grpcProtobuf",
			"grpcMethod", "grpcServiceName", "grpcEnableTls", "grpcBody", "grpcMetadata", "game", "gamedigGivenPortOnly", "gamedigToken",
			"radiusUsername", "radiusPassword", "radiusSecret", "radiusCalledStationId", "radiusCallingStationId", "kafkaProducerTopic",
			"kafkaProducerBrokers", "kafkaProducerSsl", "kafkaProducerAllowAutoTopicCreation", "kafkaProducerMessage", "kafkaProducerSaslOptions",
			"rabbitmqNodes", "rabbitmqUsername", "rabbitmqPassword", "snmpOid", "snmpVersion", "system_service_name", "ping_numeric",
			"screenshot_delay", "remote_browser",
		},
	}
}

// ofOthers are the fields that do not count for a type.
func ofOthers(kind string) (out []string) {
	all := byType()
	for _, names := range all {
		for _, name := range names {
			if !slices.Contains(all[kind], name) {
				out = append(out, name)
			}
		}
	}
	return out
}
