"""When things happen by themselves: the job, its schedule, the sensors that see failures.

Does not belong here: what an alert says and when it is sent (`alerts/`).
"""

from userprofile_assets.automation.job import JOB_NAME, build_job
from userprofile_assets.automation.schedule import SCHEDULE_NAME, build_schedule
from userprofile_assets.automation.sensors import build_sensors

__all__ = ["JOB_NAME", "SCHEDULE_NAME", "build_job", "build_schedule", "build_sensors"]
