"""The services of one installation: PostgreSQL, Airflow, the issuance API, and on demand the fictional world.

Starting, watching and stopping processes lives here, and every setting of Airflow. What the services do does not.
"""
