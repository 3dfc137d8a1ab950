"""What stands beside an export, for whoever gets it: in English and Chinese."""

README = """# What is held of {whom}

Made {made} UTC by telemetry privacy export. Keep it as you would keep the data themselves.

{listing}

- Files are CSV (UTF-8, a heading, times in UTC), columns as the database has them; what a signal
  means and in which unit says docs/signals.md, behaviour docs/behaviour.md, fuel docs/fuel.md.
- driver.csv: who it is. driver_change.csv: when the card was put in (slot 1 drives). trip.csv,
  trip_part.csv, drive_span.csv: what was driven. driving_event.csv: events and fatigue. score.csv,
  score_part.csv: scores and what moved them. fuel_part.csv, fuel_cause.csv: fuel and why.
  advice.csv, advice_result.csv: advice and whether it helped. vehicle_report.csv,
  vehicle_event.csv: what vehicles reported. access_log.csv: who has read of this person, in which
  role and what for. positions.csv: where they drove (WGS-84). Of other people nothing is said.
- manifest.json has the rows and the SHA-256 of each file. A file that is not here would be empty.
- What Kafka and backups still hold, and until when: telemetry privacy status, docs/privacy.md.

# {whom} 的数据副本

由 telemetry privacy export 于 {made}（UTC）生成。请像保管原始数据一样保管本副本。

- 文件为 CSV（UTF-8，首行为列名，时间为 UTC），列名与数据库一致；信号的含义和单位见
  docs/signals.md，驾驶行为见 docs/behaviour.md，油耗见 docs/fuel.md。
- driver.csv：驾驶员本人；driver_change.csv：插卡时间（1 号槽为驾驶员）；trip.csv、trip_part.csv、
  drive_span.csv：行程；driving_event.csv：驾驶事件和疲劳；score.csv、score_part.csv：评分及其原因；
  fuel_part.csv、fuel_cause.csv：油耗及其原因；advice.csv、advice_result.csv：建议及其效果；
  vehicle_report.csv、vehicle_event.csv：车辆上报；access_log.csv：谁以何种身份、为何读取过；
  positions.csv：行驶位置（WGS-84）。他人的数据不在其中。
- manifest.json 列出每个文件的行数和 SHA-256。未列出的文件即没有数据。
- Kafka 和备份中尚存的数据及其期限：见 telemetry privacy status 和 docs/privacy.md。
"""


def readme(whom: str, made: str, names: list[tuple[str, int]]) -> str:
    """The text, with what is in the folder."""
    listing = "\n".join(f"    {name:<24} {rows:>10,} rows" for name, rows in names)
    return README.format(whom=whom, made=made, listing=listing or "    (nothing is held)")
