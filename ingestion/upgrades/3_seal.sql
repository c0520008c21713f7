-- A build says by which rules it was made, and a publication, too. Those before say nothing: the next
-- night builds everything again, compares it with what is published, and seals that.
alter table landing.build_watermarks
    add column if not exists rules varchar(100),
    add column if not exists restatement_id bigint;
alter table landing.publications add column if not exists rule_version_id bigint;
