package service_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"flowbot/service"
)

// candidates are the use cases over a center.
func (c *center) candidates() *service.Candidates {
	return service.NewCandidates(c.store, c.People, slipPrinter{}, c.files, rand.Reader, c.now)
}

// slipPrinter draws slips as lines.
type slipPrinter struct{ service.Printer }

// Slips implements service.Printer.
func (slipPrinter) Slips(_ context.Context, f service.SlipForm) ([]byte, error) {
	var out strings.Builder
	for _, s := range f.Slips {
		fmt.Fprintf(&out, "%s %s %s\n", s.Number, s.Link, s.Words)
	}
	return []byte(out.String()), nil
}

// arrives opens a link; to the question of a candidate's it answers what stands in
// the application.
func (h *house) arrives(in service.AcceptInput) (service.Arrival, error) {
	h.t.Helper()
	out, err := h.Accept(h.t.Context(), in)
	if err != nil || !out.Asked {
		return out, err
	}
	var born service.Day
	var document string
	err = h.store.Bun().NewRaw(`SELECT a.born_on, a.identity_document FROM candidate_claims AS c JOIN invitations AS i ON i.id = c.invitation_id
		JOIN applications AS a ON a.id = i.application_id WHERE c.telegram_id = ?`, in.TelegramID).Scan(h.t.Context(), &born, &document)
	if err != nil {
		h.t.Fatal(err)
	}
	s := service.NewCandidates(h.store, h.People, nil, nil, nil, h.now)
	answer := service.ClaimLinkInput{TelegramID: in.TelegramID, Language: in.Language, Text: born.Russian()}
	got, err := s.ClaimLink(h.t.Context(), answer)
	if err == nil && got.Asked {
		answer.Text = document[len(document)-4:]
		got, err = s.ClaimLinkDigits(h.t.Context(), answer)
	}
	if err != nil {
		return service.Arrival{}, err
	}
	return *got, nil
}

// refusedWith checks why something was refused; "" is no refusal.
func refusedWith(t *testing.T, what string, err error, want service.Reason) {
	t.Helper()
	if got := service.ReasonOf(err); got != want {
		t.Errorf("%s: %q, want %q (%v)", what, got, want, err)
	}
}

func TestOnlyStaffOfTheCenterInviteCandidates(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	s := c.candidates()
	a := c.applications(c.exam(1))[0]
	for name, tt := range map[string]struct {
		by   service.Actor
		want service.Reason
	}{
		"staff":            {c.anna, ""},
		"the command line": {service.CommandLine, ""},
		"an admin":         {c.admin, service.ReasonForbidden},
		"another center":   {c.stranger, service.ReasonNotFound},
		"nobody":           {service.Actor{}, service.ReasonNotFound},
	} {
		_, _, err := s.Invite(t.Context(), tt.by, a.ID, 0)
		refusedWith(t, name, err, tt.want)
	}
	_, err := s.InviteByNumber(t.Context(), service.CommandLine, "no such number")
	refusedWith(t, "an unknown number", err, service.ReasonNotFound)
	_, _, err = c.Invite(t.Context(), c.admin, service.Seat{Role: service.RoleCandidate}, "Кто-то")
	refusedWith(t, "without an application", err, service.ReasonInvitationCandidate)
}

func TestALinkOfACandidateEndsWithTheOthers(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	s, people := c.candidates(), c.People
	a := c.applications(c.exam(1))[0]
	var tokens []string
	for range 3 {
		token, inv, err := s.Invite(t.Context(), c.anna, a.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		if life := inv.ExpiresAt.Sub(inv.CreatedAt); life != 180*24*time.Hour {
			t.Errorf("a link lives for %s", life)
		}
		tokens = append(tokens, token)
	}
	in, err := c.arrives(service.AcceptInput{TelegramID: 71, Language: "en", Token: tokens[0]})
	if err != nil || in.Application == nil || in.Application.ID != a.ID || in.Actor.Language != "uz" {
		t.Fatalf("came in: %+v, %v", in, err)
	}
	_, err = c.arrives(service.AcceptInput{TelegramID: 72, Token: tokens[1]})
	refusedWith(t, "another link for another person", err, service.ReasonInvitationInvalid)
	in, err = c.arrives(service.AcceptInput{TelegramID: 71, Token: tokens[2]})
	if err != nil || !in.Already {
		t.Errorf("another link for the same person: %+v, %v", in, err)
	}
	_, _, err = s.Invite(t.Context(), c.anna, a.ID, 0)
	refusedWith(t, "a linked application", err, service.ReasonCandidateLinked)

	now := c.applications(c.current(&service.Exam{ID: a.ExamID}))[0]
	_, err = s.Unlink(t.Context(), c.boris, a.ID, now.Revision-1)
	refusedWith(t, "an old button", err, service.ReasonMovedOn)
	_, err = s.Unlink(t.Context(), c.admin, a.ID, now.Revision)
	refusedWith(t, "an admin", err, service.ReasonForbidden)
	if _, err = s.Unlink(t.Context(), c.boris, a.ID, now.Revision); err != nil {
		t.Fatal(err)
	}
	if _, err := people.Actor(t.Context(), 71); service.ReasonOf(err) != service.ReasonNotFound {
		t.Errorf("the seat stays: %v", err)
	}
	for i, token := range tokens {
		_, err := c.arrives(service.AcceptInput{TelegramID: int64(80 + i), Token: token})
		refusedWith(t, "an old link after the application was taken away", err, service.ReasonInvitationInvalid)
	}
	_, err = s.Unlink(t.Context(), c.boris, a.ID, now.Revision+1)
	refusedWith(t, "twice", err, service.ReasonCandidateNotLinked)
}

func TestOfTwoWhoScanOneSlipOneGetsIn(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	s := c.candidates()
	a := c.applications(c.exam(1))[0]
	var tokens []string
	for range 4 {
		token, _, err := s.Invite(t.Context(), c.anna, a.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token, token)
	}
	errs := make([]error, len(tokens))
	var all sync.WaitGroup
	for i, token := range tokens {
		all.Go(func() {
			_, errs[i] = c.arrives(service.AcceptInput{TelegramID: int64(100 + i), Token: token})
		})
	}
	all.Wait()
	in := 0
	for _, err := range errs {
		if err == nil {
			in++
			continue
		}
		refusedWith(t, "who came late", err, service.ReasonInvitationInvalid)
	}
	if in != 1 {
		t.Errorf("%d got in", in)
	}
}

func TestSlipsOfTheSameUpdateReplaceEachOther(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	s := c.candidates()
	e := c.exam(3, func(n int, a *service.Application) {
		if n == 3 {
			a.Language = ""
		}
	})
	draw := func(update int64) []string {
		t.Helper()
		drawn, n, err := s.Slips(t.Context(), c.anna, service.SlipsInput{
			ExamID: e.ID, UpdateID: update, Link: func(token string) string { return token },
			Words: func(language string) (string, error) { return "in " + language, nil },
		})
		if err != nil || n != 3 {
			t.Fatalf("%d slips, %v", n, err)
		}
		return strings.Split(strings.TrimSpace(string(drawn)), "\n")
	}
	first, again, other := draw(5), draw(5), draw(6)
	if !strings.HasSuffix(first[0], " in uz") || strings.Contains(first[2], " in ") {
		t.Errorf("slips: %q", first)
	}
	token := func(line string) string { return strings.Fields(line)[1] }
	_, err := c.arrives(service.AcceptInput{TelegramID: 1, Token: token(first[0])})
	refusedWith(t, "a slip of which nobody knows whether it arrived", err, service.ReasonInvitationInvalid)
	for i, lines := range [][]string{again, other} {
		if _, err := c.arrives(service.AcceptInput{TelegramID: int64(10 + i), Token: token(lines[i])}); err != nil {
			t.Errorf("slip %d: %v", i, err)
		}
	}
	var kept string
	err = c.store.Bun().NewRaw(`SELECT concat((SELECT string_agg(i::text, '') FROM invitations AS i),
		(SELECT string_agg(h::text, '') FROM history AS h), (SELECT string_agg(a::text, '') FROM applications AS a))`).Scan(t.Context(), &kept)
	if err != nil {
		t.Fatal(err)
	}
	for _, lines := range [][]string{first, again, other} {
		for _, line := range lines {
			if strings.Contains(kept, token(line)) {
				t.Errorf("a token is kept")
			}
		}
	}
	_, _, err = s.Slips(t.Context(), c.admin, service.SlipsInput{ExamID: e.ID})
	refusedWith(t, "an admin", err, service.ReasonForbidden)
	_, _, err = s.Slips(t.Context(), c.stranger, service.SlipsInput{ExamID: e.ID})
	refusedWith(t, "another center", err, service.ReasonNotFound)
}

// slowPrinter lets something happen while it draws.
type slowPrinter struct {
	slipPrinter
	meanwhile func()
}

// Slips implements service.Printer.
func (p slowPrinter) Slips(ctx context.Context, f service.SlipForm) ([]byte, error) {
	p.meanwhile()
	return p.slipPrinter.Slips(ctx, f)
}

func TestASlipOfSomebodyWhoHasChangedLeadsNowhere(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	c.load(c.anna, workbook(t, examsTab(examCells("1")), applicationsTab(applicationCells("1", "А"), applicationCells("1", "Б"))))
	other := with(with(applicationCells("1", "А"), 3, "Назаров"), 9, "03.04.1985")
	s := service.NewCandidates(c.store, c.People, slowPrinter{meanwhile: func() {
		c.load(c.anna, workbook(t, applicationsTab(other)))
	}}, c.files, rand.Reader, c.now)
	tokens := map[string]bool{}
	_, n, err := s.Slips(t.Context(), c.anna, service.SlipsInput{
		ExamID: c.allApplications()[0].ExamID,
		Link:   func(token string) string { tokens[token] = true; return token },
		Words:  func(string) (string, error) { return "", nil },
	})
	if err != nil || n != 2 {
		t.Fatalf("%d slips, %v", n, err)
	}
	id, in := int64(70), []string{}
	for token := range tokens {
		id++
		if a, err := c.arrives(service.AcceptInput{TelegramID: id, Token: token}); err == nil {
			in = append(in, a.Application.Number)
		}
	}
	if len(in) != 1 || in[0] != "Б" {
		t.Errorf("slips lead to %v", in)
	}
}

func TestAClaimNeedsEverythingToAgree(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	s := c.candidates()
	e := c.exam(2, func(n int, a *service.Application) {
		a.Phone, a.BornOn, a.IdentityDocument = "998900000001", service.NewDay(1990, 3, 5), fmt.Sprintf("FA 123456%d №", n)
		if n == 2 {
			a.IdentityDocument = "12" // too short to tell anybody apart
		}
	})
	tests := []struct{ name, phone, born, digits string }{
		{"another telephone", "+998 90 000 00 02", "05.03.1990", "4561"},
		{"another day", "+998 90 000 00 01", "06.03.1990", "4561"},
		{"other digits", "+998 90 000 00 01", "05.03.1990", "4562"},
		{"a short document", "+998 90 000 00 01", "05.03.1990", "0012"},
	}
	for i, tt := range tests {
		id := int64(200 + i)
		err := s.ClaimPhone(t.Context(), service.ClaimContact{TelegramID: id, OwnerID: id, Phone: tt.phone})
		refusedWith(t, tt.name, err, "")
		refusedWith(t, tt.name, s.ClaimBorn(t.Context(), id, tt.born), "")
		_, err = s.ClaimDigits(t.Context(), service.ClaimInput{TelegramID: id, Digits: tt.digits})
		refusedWith(t, tt.name, err, service.ReasonCandidateNoMatch)
	}
	for name, in := range map[string]service.ClaimContact{
		"somebody else's": {TelegramID: 1, OwnerID: 2, Phone: "+998900000001"},
		"of nobody known": {TelegramID: 1, Phone: "+998900000001"},
		"without number":  {TelegramID: 1, OwnerID: 1, Phone: "+"},
		"too long":        {TelegramID: 1, OwnerID: 1, Phone: "1234567890123456"},
	} {
		refusedWith(t, name, s.ClaimPhone(t.Context(), in), service.ReasonCandidateContact)
	}
	if _, err := s.ClaimDigits(t.Context(), service.ClaimInput{TelegramID: 300, Digits: "4561"}); service.ReasonOf(err) != service.ReasonCandidateNoMatch {
		t.Errorf("digits alone: %v", err)
	}
	for _, a := range c.applications(e) {
		if a.PersonID != 0 {
			t.Errorf("%s is linked", a.Number)
		}
	}
	// What waits too long for the rest is forgotten.
	if err := s.ClaimPhone(t.Context(), service.ClaimContact{TelegramID: 1, OwnerID: 1, Phone: "+998 (90) 000-00-01"}); err != nil {
		t.Fatal(err)
	}
	c.wait(25 * time.Hour)
	if claim, err := s.Claim(t.Context(), 1); err != nil || claim.Step != service.ClaimIdle || claim.Phone != "" {
		t.Errorf("a day later: %+v, %v", claim, err)
	}
	if err := s.ChooseLanguage(t.Context(), 1, "hy"); err != nil {
		t.Fatal(err)
	}
	refusedWith(t, "a language without texts", s.ChooseLanguage(t.Context(), 1, "xx"), service.ReasonLanguageUnknown)
	if n, err := s.PruneClaims(t.Context()); err != nil || n != 0 {
		t.Errorf("pruned %d, %v", n, err)
	}
	c.wait(8 * 24 * time.Hour)
	if n, err := s.PruneClaims(t.Context()); err != nil || n != 6 {
		t.Errorf("pruned %d, %v", n, err)
	}
}

func TestATelephoneOfTheSheetMeetsThatOfTheContact(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cell, contact string
		meets         bool
	}{
		"an 8 and a 7":            {"8 (900) 123-45-67", "79001234567", true},
		"an 8 and a plus":         {"89001234567", "+7 900 123-45-67", true},
		"an 8 and an 8":           {"89001234567", "89001234567", true},
		"no code":                 {"9001234567", "+79001234567", true},
		"another country":         {"998 90 123 45 67", "+998901234567", true},
		"Vietnam, which has 84":   {"+84 912 345 678", "84912345678", true},
		"an 8 that is not Russia": {"8 491 234-56-78", "84912345678", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCenter(t)
			row := with(applicationCells("1", "А"), 13, tt.cell)
			c.load(c.anna, workbook(t, examsTab(examCells("1")), applicationsTab(row)))
			s := c.candidates()
			if err := s.ClaimPhone(t.Context(), service.ClaimContact{TelegramID: 71, OwnerID: 71, Phone: tt.contact}); err != nil {
				t.Fatal(err)
			}
			if err := s.ClaimBorn(t.Context(), 71, "01.02.1990"); err != nil {
				t.Fatal(err)
			}
			_, err := s.ClaimDigits(t.Context(), service.ClaimInput{TelegramID: 71, Digits: "3456"})
			if met := err == nil; met != tt.meets {
				t.Errorf("met: %t, %v", met, err)
			}
		})
	}
}

func TestADeliveryIsCheckedAtTheMomentOfSending(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	s := c.candidates()
	hold := 10 * time.Minute
	tests := []struct {
		name   string
		change string // of the application; ?0 is its id
		at     time.Duration
		due    bool
	}{
		{"all is as it was", ``, hold, true},
		{"held still", ``, hold - time.Second, false},
		{"another scan took its place", `UPDATE applications SET scan_id = (SELECT max(id) + 0 FROM scans WHERE application_id = ?0) WHERE id = ?0`, hold, false},
		{"linked to another person", `UPDATE applications SET person_id = (SELECT min(id) FROM people) WHERE id = ?0`, hold, false},
		{"had already", `UPDATE applications SET delivered_at = now() WHERE id = ?0`, hold, false},
		{"recalled", `UPDATE applications SET deliver_at = NULL WHERE id = ?0`, hold, false},
		{"paused", `UPDATE exams SET paused_at = now(), paused_by = (SELECT min(id) FROM people) WHERE id = (SELECT exam_id FROM applications WHERE id = ?0)`, hold, false},
		{"no longer due", `UPDATE applications SET registration_number = '', issued_on = NULL, valid_until = NULL, scan_id = NULL, violations = 'found' WHERE id = ?0`, hold, false},
	}
	for i, tt := range tests {
		a := c.applications(c.exam(1, func(n int, a *service.Application) {
			passed(n, a)
			a.RegistrationNumber, a.IssuedOn = fmt.Sprintf("24-%d", i), service.NewDay(2026, 2, 25)
		}))[0]
		token, _, err := s.Invite(t.Context(), c.anna, a.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		in, err := c.arrives(service.AcceptInput{TelegramID: int64(500 + i), Token: token})
		if err != nil {
			t.Fatal(err)
		}
		scan := c.scan(a.ID, 1)
		if tt.name == "another scan took its place" {
			c.scan(a.ID, 2)
		}
		exec := func(q string, args ...any) {
			t.Helper()
			if _, err := c.store.Bun().NewRaw(q, args...).Exec(t.Context()); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
		}
		exec(`UPDATE applications SET scan_id = ?1, deliver_at = ?2 WHERE id = ?0`, a.ID, scan, c.now().Add(hold))
		if tt.change != "" {
			exec(tt.change, a.ID)
		}
		c.wait(tt.at)
		n := service.DeliveryNotice{ApplicationID: a.ID, ScanID: scan}
		got, err := s.Due(t.Context(), in.Actor, n)
		if err != nil || (got != nil) != tt.due {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
		if tt.due {
			if err := s.Delivered(t.Context(), in.Actor, n, 9); err != nil {
				t.Error(err)
			}
			if got, err := s.Due(t.Context(), in.Actor, n); err != nil || got != nil {
				t.Errorf("due twice: %+v, %v", got, err)
			}
		}
		if _, err := s.Scan(t.Context(), c.anna, a.ID); service.ReasonOf(err) != service.ReasonNotFound {
			t.Errorf("staff get it as candidates do: %v", err)
		}
	}
}

// scan adds a scan of an application past the use cases and returns its id.
func (c *center) scan(applicationID int64, version int) int64 {
	c.t.Helper()
	var id int64
	_, err := c.store.Bun().NewRaw(`INSERT INTO files (sha256, size, type) VALUES (repeat('1', 64), 1, 'image/png') ON CONFLICT DO NOTHING`).Exec(c.t.Context())
	if err == nil {
		err = c.store.Bun().NewRaw(`INSERT INTO scans (application_id, version, file_name, file_sha, clean_sha, source, loaded_at)
			VALUES (?, ?, 'скан.png', repeat('1', 64), repeat('1', 64), 'person', now()) RETURNING id`, applicationID, version).Scan(c.t.Context(), &id)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return id
}
