package bot

import "flowbot/service"

func (b *Bot) scanActions() []action { return nil }

// scanTalks are the conversations of this subject.
func scanTalks() []talk { return nil }

// scanNotices are the notices of this subject.
func (b *Bot) scanNotices() map[string]notice { return nil }

// scanExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) scanExamRows(_ *Turn, _ *service.ExamView) [][]Button { return nil }

// scanApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) scanApplicationRows(_ *Turn, _ *service.ApplicationView) [][]Button { return nil }
