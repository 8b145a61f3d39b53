package service_test

import (
	"testing"
	"time"

	"flowbot/service"
)

func TestNewsAndRemindersKeepQuietHours(t *testing.T) {
	t.Parallel()

	const layout = "2006-01-02 15:04"
	tests := []struct {
		name      string
		lane      service.Lane
		zone      string
		now, want string // UTC
	}{
		{"by day", service.LaneNews, "Europe/Moscow", "2026-03-02 12:00", "2026-03-02 12:00"},
		{"the last minute before nine in the evening", service.LaneNews, "Europe/Moscow", "2026-03-02 17:59", "2026-03-02 17:59"},
		{"nine in the evening", service.LaneNews, "Europe/Moscow", "2026-03-02 18:00", "2026-03-03 06:00"},
		{"after midnight", service.LaneReminder, "Europe/Moscow", "2026-03-02 22:30", "2026-03-03 06:00"},
		{"the last minute before nine in the morning", service.LaneReminder, "Europe/Moscow", "2026-03-03 05:59", "2026-03-03 06:00"},
		{"nine in the morning", service.LaneReminder, "Europe/Moscow", "2026-03-03 06:00", "2026-03-03 06:00"},
		{"the zone decides", service.LaneNews, "Asia/Kamchatka", "2026-03-02 12:00", "2026-03-02 21:00"},
		{"the last evening of a month", service.LaneNews, "Europe/Moscow", "2026-02-28 19:00", "2026-03-01 06:00"},
		{"a night in which clocks change", service.LaneNews, "Europe/Berlin", "2026-03-28 22:00", "2026-03-29 07:00"},
		{"an unknown zone is Moscow's", service.LaneNews, "Mars/Olympus", "2026-03-02 18:00", "2026-03-03 06:00"},
		{"a decision at night", service.LaneDecision, "Europe/Moscow", "2026-03-02 22:30", "2026-03-02 22:30"},
		{"an answer at night", service.LaneAnswer, "Europe/Moscow", "2026-03-02 22:30", "2026-03-02 22:30"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			now, err := time.Parse(layout, tt.now)
			if err != nil {
				t.Fatal(err)
			}
			if got := service.QuietUntil(tt.lane, now, tt.zone).UTC().Format(layout); got != tt.want {
				t.Errorf("may arrive from %s, want %s", got, tt.want)
			}
		})
	}
}
