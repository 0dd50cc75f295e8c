package notify

// Kinds lists every kind of channel.
func Kinds() []Kind {
	return []Kind{
		webhookKind(),
		mailKind(),
		execKind(),
		deadmanKind(),
		slackKind(),
		discordKind(),
		telegramKind(),
		teamsKind(),
		ntfyKind(),
		pagerdutyKind(),
		opsgenieKind(),
		matrixKind(),
		gotifyKind(),
		pushoverKind(),
		alertmanagerKind(),
		shoutrrrKind(),
	}
}
