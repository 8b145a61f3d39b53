package bot_test

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"flowbot/service"
	"flowbot/templates"
)

// TestRefusalsAboutPeopleHaveWords fills each with its facts: the words are one
// or two sentences, without codes, and fit a window over a button.
func TestRefusalsAboutPeopleHaveWords(t *testing.T) {
	t.Parallel()
	texts, err := templates.Load("ru")
	if err != nil {
		t.Fatal(err)
	}
	longest := strings.Repeat("Ж", 120)
	for _, tt := range []struct {
		reason service.Reason
		data   any
	}{
		{service.ReasonOrgKindUnknown, nil},
		{service.ReasonOrgName, 300},
		{service.ReasonOrgExists, nil},
		{service.ReasonOrgINN, nil},
		{service.ReasonOrgINNTaken, nil},
		{service.ReasonOrgZone, nil},
		{service.ReasonOrgOneOperator, nil},
		{service.ReasonPersonName, 120},
		{service.ReasonLastOne, nil},
		{service.ReasonLanguageUnknown, nil},
		{service.ReasonAlreadyRemoved, service.Gone{Name: "<Иван>", On: service.NewDay(2026, 3, 2), By: "Ольга"}},
		{service.ReasonRoleUnknown, nil},
		{service.ReasonRoleOrg, nil},
		{service.ReasonRoleNeedsOrg, nil},
		{service.ReasonRoleNeedsNoOrg, nil},
		{service.ReasonInvitationInvalid, nil},
		{service.ReasonInvitationCandidate, nil},
		{service.ReasonInvitationEnded, nil},
	} {
		words, err := texts.HTML(string(tt.reason), tt.data)
		if err != nil {
			t.Error(err)
			continue
		}
		if strings.TrimSpace(words) != words || !strings.HasSuffix(words, ".") || strings.ContainsAny(words, "!{}") {
			t.Errorf("%s: %q", tt.reason, words)
		}
		plain := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(words, ""))
		if n := len(utf16.Encode([]rune(plain))); n > 200 {
			t.Errorf("%s: %d letters", tt.reason, n)
		}
	}
	words, err := texts.HTML(string(service.ReasonAlreadyRemoved), service.Gone{Name: longest, On: service.NewDay(2026, 3, 2)})
	if err != nil || !strings.Contains(words, longest+" уже не в списке с 02.03.2026.") {
		t.Errorf("by the command line: %q, %v", words, err)
	}
}
