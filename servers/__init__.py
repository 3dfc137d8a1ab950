"""Real servers on this machine: Apache Kafka and PostgreSQL, started where settings name none.

`launcher` is the way in: `up`, `down`, `status`, `running`. Everything the servers own lies in one
folder (`home`), their processes outlive the one that started them, and a small state file says
which these are.
"""
