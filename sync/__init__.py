"""The steps of synchronisation (連携) composed in plain Python: pull, decode, map, validate, load, verify.

Everything that a DAG does can be run and tested from here without Airflow. Airflow is not imported here.
"""
